// What is the same for every metric, and FID from images to the number.
#include "core/device.h"
#include "core/error.h"
#include "core/names.h"
#include "formats/json.h"
#include "golden.h"
#include "metrics/feature_statistics.h"
#include "metrics/features.h"
#include "metrics/hashed_images.h"
#include "metrics/registry.h"
#include "models/weights.h"
#include "temporary.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

namespace fewstep {
namespace {

const std::filesystem::path kFolder = FEWSTEP_TEST_DATA;

class Metrics : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const auto shapes = read_json_object(kFolder / "towers/inception_shapes.json");
    save_tensors(weights(), hashed_inception_weights(shapes.get<std::map<std::string, std::vector<std::int64_t>>>()));
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::filesystem::path weights() { return folder_->path() / "inception.safetensors"; }

  static MetricSettings settings_of(const Metric& metric, std::string_view protocol) {
    MetricSettings settings{std::string(metric.name), std::string(protocol), weights()};
    if (metric.rows_of != "fid")
      settings.network = kFolder / (metric.rows_of == "fd-pocket" ? "feature_net/five_layers" : "metrics/clip-tiny");
    return resolve(settings);
  }
  // size 0: of many sizes.
  static std::vector<Image> images_of(const std::string& which, int size = 0) {
    std::vector<Image> images;
    for (int i = 0; i < 12; ++i) {
      images.push_back(
          hashed_image(which + " " + std::to_string(i), size ? size : 40 + 3 * i, size ? size : 64 - 2 * i, 7 + i));
    }
    return images;
  }

 private:
  static inline TemporaryFolder* folder_ = nullptr;
};

TEST_F(Metrics, OfGivenImagesEqualPytorchFid) {
  const c10::InferenceMode inference;
  const Metric& fid = find_metric("fid");
  const Measure measure = fid.open(settings_of(fid, "pytorch-fid"), {});
  const std::vector<std::string> captions(12);
  const auto rows_of = [&](const std::string& which) { return measure.rows(images_of(which), captions); };
  FeatureStatistics reference;
  accumulate(reference, rows_of("reference"), measure.width);
  const ReferenceData gaussian = fit(reference);
  std::vector<std::int64_t> groups{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const Score score = fid.aggregate("pytorch-fid", rows_of("images"), measure.width, groups, &gaussian).score;
  const double expected = golden_json("metrics/fid.json").at("pytorch-fid");
  EXPECT_NEAR(score.value, expected, 1e-4 * expected) << "remake with: make golden";
  std::printf("FID's formula on formula-made weights: %.6f, pytorch-fid %.6f, relative difference %.1e\n", score.value,
              expected, std::abs(score.value - expected) / expected);
}

TEST_F(Metrics, RowsDoNotDependOnBatchOrThreads) {
  const c10::InferenceMode inference;
  const std::vector<std::string> captions{
      "a red circle", "a blue square", "", "green", "a", "red", "the circle", "on", "of", "square", "blue", "a b c"};
  for (const Metric& metric : metrics()) {
    const auto images = images_of("contract", metric.rows_of == "fd-pocket" ? 32 : 0);
    for (const std::string_view protocol : names_of(metric.protocols)) {
      const Measure measure = metric.open(settings_of(metric, protocol), {});
      EXPECT_EQ(measure.model_hash.size(), 64u);
      const std::vector<float> together = measure.rows(images, captions);
      ASSERT_EQ(static_cast<std::int64_t>(together.size()), 12 * measure.width);
      const int threads = at::get_num_threads();
      at::set_num_threads(1);
      std::vector<float> parts;
      for (std::size_t first = 0; first < 12; first += 5) {
        const std::size_t size = std::min<std::size_t>(5, 12 - first);
        const auto rows =
            measure.rows(std::span(images).subspan(first, size), std::span(captions).subspan(first, size));
        parts.insert(parts.end(), rows.begin(), rows.end());
      }
      at::set_num_threads(threads);
      const auto tensor = [](const std::vector<float>& rows) { return at::tensor(rows, at::kFloat); };
      const double difference = (tensor(parts) - tensor(together)).abs().max().item<double>();
      EXPECT_LE(difference, 1e-5 * tensor(together).abs().max().item<double>()) << metric.name << " " << protocol;
    }
  }
}

// References, scores of folders and runs measure in one process or in several: the same batch gives the same bits.
TEST_F(Metrics, RowsOfABatchDoNotDependOnWhatWasMeasuredBefore) {
  const c10::InferenceMode inference;
  std::vector<std::string> captions;  // of which some come in other batches, too
  for (int i = 0; i < 12; ++i) captions.push_back("a red circle on the blue square " + std::string(i % 7, 'x'));
  for (const Metric& metric : metrics()) {
    if (metric.rows_of != metric.name) continue;
    const auto images = images_of("contract", metric.name == "fd-pocket" ? 32 : 0);
    const auto settings = settings_of(metric, metric.protocols.front().name);
    const auto rows = [&](const Measure& measure, std::size_t first, std::size_t size) {
      return measure.rows(std::span(images).subspan(first, size), std::span(captions).subspan(first, size));
    };
    const std::vector<float> alone = rows(metric.open(settings, {}), 0, 12);
    const Measure used = metric.open(settings, {});
    for (const std::size_t size : {1, 5, 2}) rows(used, 3, size);
    EXPECT_EQ(rows(used, 0, 12), alone) << metric.name;
  }
}

TEST_F(Metrics, NamesAndPathsAreCheckedBeforeAnythingIsLoaded) {
  EXPECT_FEWSTEP_ERROR(find_metric("fdi"), ExitCode::kUsage, "fid");
  EXPECT_FEWSTEP_ERROR(resolve({"fid", "pytorchfid", weights()}), ExitCode::kUsage, "pytorch-fid");
  EXPECT_FEWSTEP_ERROR(resolve({"fid", "", {}}), ExitCode::kUsage, "expected weights");
  EXPECT_FEWSTEP_ERROR(resolve({"fid", "", "/nowhere.safetensors"}), ExitCode::kInput, "/nowhere.safetensors");
  EXPECT_FEWSTEP_ERROR(resolve({"clip-score", "", {}}), ExitCode::kUsage, "expected model");
  EXPECT_FEWSTEP_ERROR(resolve({"fd-pocket", "", {}}), ExitCode::kUsage,
                       "[fd-pocket] expected model, the folder of a feature network, got none");
  EXPECT_FEWSTEP_ERROR(resolve({"fd-pocket", "", weights()}), ExitCode::kInput, "got no folder");
  EXPECT_FEWSTEP_ERROR(resolve({"fd-pocket", "pytorch-fid", kFolder}), ExitCode::kUsage, "pocket");
  EXPECT_EQ(resolve({"fid", "", weights()}).protocol, "pytorch-fid");
}

TEST_F(Metrics, PrecisionIsPartOfTheProtocolAndOfTheWholeProcess) {
  const std::vector<MetricSettings> exact{{"fid", "", weights()}, {"clip-score", "torchmetrics", {}}};
  EXPECT_EQ(in_precision(exact, "float32", at::kCPU)[0].protocol, "pytorch-fid");
  EXPECT_FEWSTEP_ERROR(in_precision(exact, "tf32", at::kCPU), ExitCode::kUsage,
                       "expected a CUDA device for TF32, got cpu");
  const at::Device device(at::kCUDA, 0);
  const auto fast = in_precision(exact, "tf32", device);
  EXPECT_TRUE(at::globalContext().allowTF32CuDNN());
  EXPECT_EQ(fast[0].protocol, "pytorch-fid+tf32");
  EXPECT_EQ(fast[1].protocol, "torchmetrics+tf32");
  EXPECT_EQ(in_precision(fast, "float32", device)[1].protocol, "torchmetrics+tf32") << "as an experiment names it";
  EXPECT_FEWSTEP_ERROR(in_precision({exact[0], fast[1]}, "float32", device), ExitCode::kUsage, "in TF32 or none");
  EXPECT_EQ(resolve(fast[0]).protocol, "pytorch-fid+tf32");
  parse_device("cpu");
  EXPECT_FALSE(at::globalContext().allowTF32CuDNN());
}

TEST(FeatureProtocols, PrepareImagesAsTheirToolsDo) {
  const auto expected = load_tensors(kFolder / "metrics/prepared.safetensors");
  EXPECT_EQ(expected.size(), kFidProtocols.size() * 3);
  for (const ProtocolInfo& row : kFidProtocols) {
    const FeatureProtocol& protocol = find_feature_protocol(row.name);
    for (const auto& [height, width] : {std::pair(64, 64), std::pair(400, 333), std::pair(299, 299)}) {
      const std::string size = std::to_string(height) + "x" + std::to_string(width);
      const Tensor ours = protocol.prepare(hashed_image("prepare " + size, height, width));
      ASSERT_EQ(ours.sizes(), (std::vector<std::int64_t>{1, 3, 299, 299}));
      const Tensor reference = expected.at(std::string(protocol.name) + " " + size);
      const Tensor every13th = ours.slice(2, 0, 299, 13).slice(3, 0, 299, 13);
      EXPECT_LE((every13th - reference).abs().max().item<double>(), 1e-5)
          << protocol.name << " " << size << "; remake with: make golden";
    }
  }
}

}  // namespace
}  // namespace fewstep
