#include "models/inception.h"

#include "core/files.h"
#include "formats/json.h"
#include "models/hashed_weights.h"
#include "towers.h"

namespace fewstep {
namespace {

constexpr double kBound = 1e-5;

// The file that every test here reads: 95 MB, made once by the formula that the reference used.
class InceptionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    weights_ = new std::map<std::string, Tensor>(hashed_inception_weights(shapes()));
    save_tensors(file(), *weights_);
  }
  static void TearDownTestSuite() {
    delete weights_;
    delete folder_;
  }

  static std::map<std::string, std::vector<std::int64_t>> shapes() {
    return read_json_object(kGolden / "inception_shapes.json").get<std::map<std::string, std::vector<std::int64_t>>>();
  }
  static std::filesystem::path file() { return folder_->path() / "inception.safetensors"; }
  static const std::map<std::string, Tensor>& weights() { return *weights_; }
  static std::filesystem::path spoiled_file() { return folder_->path() / "spoiled.safetensors"; }

 private:
  static inline TemporaryFolder* folder_ = nullptr;
  static inline std::map<std::string, Tensor>* weights_ = nullptr;
};

TEST_F(InceptionTest, FormulaOfTheWeightsIsTheReferences) {
  const auto expected = load_tensors(kGolden / "inception.safetensors");
  const Tensor weight = weights().at("Mixed_7c.branch_pool.conv.weight").select(0, 0).slice(0, 0, 8).flatten();
  EXPECT_TRUE(weight.equal(expected.at("some_weights"))) << "remake with: make golden";
  EXPECT_TRUE(hashed_images(2, 299).index({1, 2, 100}).slice(0, 0, 8).equal(expected.at("some_pixels")));
}

TEST_F(InceptionTest, FeaturesEqualPytorchFids) {
  const c10::InferenceMode inference;
  const Inception network = load_inception(file(), {});
  EXPECT_NEAR_GOLDEN(features(network, hashed_images(2, 299)),
                     load_tensors(kGolden / "inception.safetensors").at("features"), kBound);
}

TEST_F(InceptionTest, FeaturesEqualPytorchFidsOnCuda) {
  const auto compute = cuda();
  if (!compute) GTEST_SKIP() << "no CUDA device";
  const c10::InferenceMode inference;
  const Inception network = load_inception(file(), *compute);
  EXPECT_NEAR_GOLDEN(features(network, hashed_images(2, 299)),
                     load_tensors(kGolden / "inception.safetensors").at("features"), kBound);
}

TEST_F(InceptionTest, FeaturesDoNotDependOnBatchSizeOrThreads) {
  const c10::InferenceMode inference;
  const Inception network = load_inception(file(), {});
  const Tensor images = hashed_images(3, 299), together = features(network, images);
  EXPECT_NEAR_GOLDEN(features(network, images.slice(0, 1, 2)), together.slice(0, 1, 2), kBound);
  EXPECT_LE(difference_between_thread_counts([&] { return features(network, images); }), kBound);
}

TEST_F(InceptionTest, StaysInFloat32WhateverIsAskedFor) {
  const Inception network = load_inception(file(), {at::kCPU, at::kBFloat16});
  EXPECT_EQ(network.compute.dtype, at::kFloat);
  EXPECT_EQ(network.hash, sha256_file(file()));
}

TEST_F(InceptionTest, RefusesImagesOfAnotherSize) {
  const Inception network = load_inception(file(), {});
  EXPECT_FEWSTEP_ERROR(features(network, at::zeros({1, 3, 299, 300})), ExitCode::kInput, "[B,3,299,299]");
}

TEST_F(InceptionTest, NamesMissingAndSurplusTensors) {
  auto tensors = weights();
  const auto expect = [&](const std::string& message) {
    save_tensors(spoiled_file(), tensors);
    EXPECT_FEWSTEP_ERROR(load_inception(spoiled_file(), {}), ExitCode::kInput, message);
  };
  tensors.erase("Mixed_6b.branch7x7_2.bn.running_var");
  expect("Mixed_6b.branch7x7_2.bn.running_var");
  tensors = weights();
  tensors.emplace("AuxLogits.fc.bias", at::zeros({1}));
  expect("AuxLogits.fc.bias");
}

}  // namespace
}  // namespace fewstep
