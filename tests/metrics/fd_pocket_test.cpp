#include "metrics/registry.h"

#include "core/error.h"
#include "golden.h"
#include "metrics/feature_statistics.h"
#include "metrics/hashed_images.h"
#include "temporary.h"

#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

#include <numeric>

namespace fewstep {
namespace {

const std::filesystem::path kNetwork = FEWSTEP_TEST_DATA "/feature_net/five_layers";

Measure open(const std::filesystem::path& folder) { return open_metric({"fd-pocket", "pocket", folder}, {}).measure; }

std::vector<float> rows_of(const Measure& measure, const std::string& which, int block) {
  const c10::InferenceMode inference;
  std::vector<Image> images;
  for (int i = 0; i < 24; ++i)
    images.push_back(hashed_image("pocket " + which + " " + std::to_string(i), 32, 32, block + i % 3));
  return measure.rows(images, {});
}

TEST(FdPocket, OfGivenImagesEqualsThatOfThePythonPackages) {
  const Measure measure = open(kNetwork);
  EXPECT_EQ(measure.width, 6);
  FeatureStatistics reference;
  accumulate(reference, rows_of(measure, "reference", 9), measure.width);
  const ReferenceData gaussian = fit(reference);
  std::vector<std::int64_t> groups(24);
  std::iota(groups.begin(), groups.end(), 0);
  const Metric& metric = find_metric("fd-pocket");
  const auto rows = rows_of(measure, "images", 6);
  const Score score = metric.aggregate("pocket", rows, measure.width, groups, &gaussian).score;
  const double expected = golden_json("feature_net/fd.json").at("five_layers");
  EXPECT_NEAR(score.value, expected, 1e-5 * expected) << "remake with: make golden";
  EXPECT_EQ(score.count, 24);
  EXPECT_THAT(score.flags, testing::ElementsAre("biased-upward"));
  EXPECT_GT(score.standard_error, 0);
  EXPECT_LT(score.standard_error, score.value);
  std::printf("fd-pocket %.6f ± %.6f, relative difference from PyTorch and pytorch-fid %.1e\n", score.value,
              score.standard_error, std::abs(score.value - expected) / expected);
}

TEST(FdPocket, NeedsAReference) {
  const std::vector<float> rows{1, 2};
  const std::vector<std::int64_t> groups{0, 1};
  EXPECT_FEWSTEP_ERROR(find_metric("fd-pocket").aggregate("pocket", rows, 1, groups, nullptr), ExitCode::kUsage,
                       "expected reference images or statistics");
}

TEST(FdPocket, RefusesImagesOfAnotherSize) {
  const Measure measure = open(kNetwork);
  const std::vector<Image> images{hashed_image("right", 32, 32), hashed_image("wrong", 32, 40)};
  EXPECT_FEWSTEP_ERROR(measure.rows(images, {}), ExitCode::kInput,
                       "[fd-pocket] expected images of 32x32 pixels, the feature network's, got 32x40");
}

TEST(FdPocket, KnowsItsNetworkByConfigurationAndWeights) {
  const TemporaryFolder folder;
  const auto copy = folder.path() / "copy";
  std::filesystem::copy(kNetwork, copy);
  const std::string hash = open(kNetwork).model_hash;
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(open(copy).model_hash, hash);
  nlohmann::json config = golden_json("feature_net/five_layers/config.json");
  config["_note"] = "another";
  folder.write("copy/config.json", config.dump());
  EXPECT_NE(open(copy).model_hash, hash);
  std::filesystem::copy_file(kNetwork / "config.json", copy / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(open(copy).model_hash, hash);
  std::fstream weights(copy / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
  weights.seekp(-1, std::ios::end).put('\1');
  weights.close();
  EXPECT_NE(open(copy).model_hash, hash);
}

}  // namespace
}  // namespace fewstep
