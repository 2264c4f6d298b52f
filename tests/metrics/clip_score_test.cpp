#include "metrics/clip_score.h"

#include "core/files.h"
#include "golden.h"
#include "metrics/hashed_images.h"
#include "metrics/registry.h"
#include "models/clip_pixels.h"
#include "models/weights.h"
#include "temporary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

#include <optional>

namespace fewstep {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(FEWSTEP_TEST_DATA) / "metrics";

struct Given {
  nlohmann::json json = golden_json("metrics/clip.json");
  std::vector<std::string> captions = json.at("captions");
  std::vector<Image> images;
  std::vector<std::int64_t> groups;

  Given() {
    for (std::size_t i = 0; i < captions.size(); ++i) {
      const auto size = json.at("sizes").at(i);
      images.push_back(hashed_image("clip " + std::to_string(i), size.at(0), size.at(1), 5));
      groups.push_back(static_cast<std::int64_t>(i));
    }
  }
};

std::vector<float> rows_of(const Given& given, const std::string& protocol) {
  const c10::InferenceMode inference;
  return open_metric({"clip-score", protocol, kFolder / "clip-tiny"}, {}).measure.rows(given.images, given.captions);
}

TEST(ClipPixels, EqualTransformersPilProcessor) {
  const Given given;
  const Tensor expected = load_tensors(kFolder / "clip_pixels.safetensors").at("pixels");
  std::vector<Tensor> pixels;
  for (const Image& image : given.images) pixels.push_back(clip_pixels(image, 32));
  EXPECT_LE((at::cat(pixels) - expected).abs().max().item<double>(), 1e-6) << "remake with: make golden";
}

TEST(ClipScore, EqualsTransformersOnEveryImage) {
  const Given given;
  const auto rows = rows_of(given, "transformers");
  double worst = 0, mean = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double expected = given.json.at("transformers").at(i);
    EXPECT_NEAR(rows[i], expected, 1e-4) << given.captions[i] << "; remake with: make golden";
    worst = std::max(worst, std::abs(rows[i] - expected));
    mean += expected / static_cast<double>(rows.size());
  }
  EXPECT_NEAR(clip_score("transformers", rows, given.groups).value, mean, 1e-4);
  std::printf("largest difference from Transformers: %.1e\n", worst);
}

TEST(ClipScore, EqualsTorchmetricsWithItsCutCaptions) {
  const Given given;
  const auto rows = rows_of(given, "torchmetrics");
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_NEAR(rows[i], given.json.at("torchmetrics").at(i).get<double>(), 1e-4) << given.captions[i];
  EXPECT_NEAR(clip_score("torchmetrics", rows, given.groups).value, given.json.at("torchmetrics_mean").get<double>(),
              1e-4);
}

TEST(ClipScore, ClampsAMeanBelowZeroAsTorchmetricsAndSaysSo) {
  const std::vector<float> rows{-3, 1};
  const std::vector<std::int64_t> groups{0, 1};
  const Score clamped = clip_score("torchmetrics", rows, groups), plain = clip_score("transformers", rows, groups);
  EXPECT_EQ(clamped.value, 0);
  EXPECT_THAT(clamped.flags, testing::ElementsAre("clamped-at-0"));
  EXPECT_EQ(plain.value, -1);
  EXPECT_NEAR(plain.standard_error, 2, 1e-12);  // sqrt(8 / 1 / 2)
  EXPECT_EQ(golden_json("metrics/clip.json").at("torchmetrics_below_zero"), 0);
}

// The protocol cuts a caption to 77 tokens; published folders say so, say 1e30 or another number, or say nothing.
TEST(ClipScore, CutsToTheProtocolsLengthWhateverTheFolderSays) {
  const Given given;
  const auto expected = rows_of(given, "transformers");
  const auto config = golden_json("metrics/clip-tiny/tokenizer_config.json");
  const auto rows_with = [&](const std::optional<nlohmann::json>& changed) {
    const TemporaryFolder folder;
    const auto clip = folder.path() / "clip";
    std::filesystem::copy(kFolder / "clip-tiny", clip);
    std::filesystem::remove(clip / "tokenizer_config.json");
    if (changed) folder.write("clip/tokenizer_config.json", changed->dump());
    const c10::InferenceMode inference;
    return open_metric({"clip-score", "transformers", clip}, {}).measure.rows(given.images, given.captions);
  };
  EXPECT_EQ(rows_with({}), expected) << "no tokenizer_config.json";
  nlohmann::json without = config;
  without.erase("model_max_length");
  EXPECT_EQ(rows_with(without), expected) << "no model_max_length";
  for (const nlohmann::json& length :
       {nlohmann::json(1e30), nlohmann::json(16), nlohmann::json(512), nlohmann::json()}) {
    nlohmann::json changed = config;
    changed["model_max_length"] = length;
    EXPECT_EQ(rows_with(changed), expected) << length;
  }
}

// tokenizer.json is read before vocab.json where both are there, so that it decides the score.
TEST(ClipScore, HasAnotherModelHashUnderAnotherTokenizer) {
  const TemporaryFolder folder;
  std::filesystem::copy(kFolder / "clip-tiny", folder.path() / "clip");
  const auto hash = [&] { return open_metric({"clip-score", "", folder.path() / "clip"}, {}).measure.model_hash; };
  const std::string plain = hash();
  std::filesystem::copy(std::string(FEWSTEP_TEST_DATA) + "/tokenizer/variants/saved_by_transformers_5/tokenizer.json",
                        folder.path() / "clip");
  const std::string tokenizer = read_file(folder.path() / "clip/tokenizer.json");
  const std::string whole = hash();
  EXPECT_NE(whole, plain);
  folder.write("clip/tokenizer.json", tokenizer + "\n");
  EXPECT_NE(hash(), whole);
}

}  // namespace
}  // namespace fewstep
