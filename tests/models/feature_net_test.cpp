#include "models/feature_net.h"

#include "towers.h"

namespace fewstep {
namespace {

constexpr double kBound = 1e-5;
const Compute kCpu;
const std::filesystem::path kCases = FEWSTEP_TEST_DATA "/feature_net";
const std::filesystem::path kFive = kCases / "five_layers";

std::map<std::string, Tensor> expected_in(const std::filesystem::path& folder) {
  return load_tensors(folder / "expected.safetensors");
}

void expect_equals_pytorch(const std::string& name, const Compute& compute) {
  const c10::InferenceMode inference;
  const auto expected = expected_in(kCases / name);
  const FeatureNet net = load_feature_net(kCases / name, compute);
  EXPECT_NEAR_GOLDEN(features(net, expected.at("images")), expected.at("features"), kBound) << " in " << name;
  const auto logits = head_logits(net, expected.at("images"));
  EXPECT_EQ(logits.size(), net.config.heads.size());
  for (const auto& [head, values] : logits)
    EXPECT_NEAR_GOLDEN(values, expected.at("heads." + head), kBound) << " of " << head << " in " << name;
}

TEST(FeatureNet, EqualsPyTorchWithFiveLayersAndThreeHeads) { expect_equals_pytorch("five_layers", kCpu); }
TEST(FeatureNet, EqualsPyTorchOnAnOddSizeWithoutHeads) { expect_equals_pytorch("odd_size", kCpu); }

TEST(FeatureNet, EqualsPyTorchOnCuda) {
  const auto compute = cuda();
  if (!compute) GTEST_SKIP() << "no CUDA device";
  for (const char* name : {"five_layers", "odd_size"}) expect_equals_pytorch(name, *compute);
}

TEST(FeatureNet, HasTheGradientsOfPyTorch) {
  const auto expected = expected_in(kFive);
  auto tensors = load_tensors(kFive / "model.safetensors");
  for (auto& [name, tensor] : tensors) tensor = tensor.clone().requires_grad_(true);
  const FeatureNet net = make_feature_net(read_feature_net_config(kFive / "config.json"), tensors, kCpu);
  const Tensor images = expected.at("images");
  Tensor loss = features(net, images).square().mean();
  for (const auto& [name, values] : head_logits(net, images)) loss = loss + values.square().mean();
  loss.backward();
  for (const auto& [name, tensor] : tensors) {
    EXPECT_LE(relative_difference(tensor.grad(), expected.at("gradients." + name)), 1e-4)
        << name << "; remake with: make golden";
  }
}

TEST(FeatureNet, DoesNotDependOnBatchSizeOrThreads) {
  const c10::InferenceMode inference;
  const Tensor images = expected_in(kFive).at("images");
  const FeatureNet net = load_feature_net(kFive, kCpu);
  const Tensor together = features(net, images);
  for (std::int64_t i = 0; i < images.size(0); ++i)
    EXPECT_NEAR_GOLDEN(features(net, images.slice(0, i, i + 1)), together.slice(0, i, i + 1), kBound);
  EXPECT_LE(difference_between_thread_counts([&] { return features(net, images); }), kBound);
}

TEST(FeatureNet, RunsInBfloat16NearFloat32) {
  const c10::InferenceMode inference;
  const auto expected = expected_in(kFive);
  const FeatureNet net = load_feature_net(kFive, {at::kCPU, at::kBFloat16});
  EXPECT_NEAR_GOLDEN(features(net, expected.at("images")), expected.at("features"), 0.05);
}

TEST(FeatureNet, IsReadBackFromTheConfigurationItWrites) {
  const TemporaryFolder folder;
  const FeatureNetConfig config = read_feature_net_config(kFive / "config.json");
  folder.write("config.json", feature_net_json(config).dump());
  const FeatureNetConfig again = read_feature_net_config(folder.path() / "config.json");
  EXPECT_EQ(again.image_size, 32);
  EXPECT_EQ(again.channels, (std::vector<std::int64_t>{8, 8, 16, 16, 24}));
  EXPECT_EQ(again.strides, (std::vector<std::int64_t>{1, 2, 2, 2, 1}));
  EXPECT_EQ(again.norm_num_groups, 4);
  EXPECT_EQ(again.features, 6);
  EXPECT_EQ(again.heads, (std::map<std::string, std::int64_t>{{"background", 5}, {"count", 1}, {"objects", 7}}));
}

TEST(FeatureNet, RefusesImagesOfAnotherSize) {
  const FeatureNet net = load_feature_net(kFive, kCpu);
  EXPECT_FEWSTEP_ERROR(features(net, at::zeros({1, 3, 32, 31})), ExitCode::kInput,
                       "expected images [B,3,32,32], got [1, 3, 32, 31]");
  EXPECT_FEWSTEP_ERROR(head_logits(net, at::zeros({1, 3, 64, 64})), ExitCode::kInput, "got [1, 3, 64, 64]");
  EXPECT_FEWSTEP_ERROR(features(net, at::zeros({1, 1, 32, 32})), ExitCode::kInput, "got [1, 1, 32, 32]");
  EXPECT_FEWSTEP_ERROR(features(net, at::zeros({3, 32, 32})), ExitCode::kInput, "got [3, 32, 32]");
  EXPECT_FEWSTEP_ERROR(features(net, at::zeros({0, 3, 32, 32})), ExitCode::kInput, "got [0, 3, 32, 32]");
}

TEST(FeatureNet, NamesWhatItsConfigurationOrWeightsLack) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& message) {
    using Options = std::filesystem::copy_options;
    std::filesystem::copy(kFive, folder.path(), Options::recursive | Options::overwrite_existing);
    edit(folder.path() / "config.json", from, to);
    EXPECT_FEWSTEP_ERROR(load_feature_net(folder.path(), kCpu), ExitCode::kInput, message);
  };
  expect("\"FewstepFeatureNet\"", "\"AutoencoderKL\"", "\"FewstepFeatureNet\" (the one supported value)");
  expect("\"_class_name\": \"FewstepFeatureNet\",", "", "expected a text for \"_class_name\", got nothing");
  expect("{", "{\"dropout\": 0.5,", "got \"dropout\" = 0.5");
  expect("\"image_size\": 32,", "", "\"image_size\", got nothing");
  expect("\"image_size\": 32", "\"image_size\": 64", "expected tensor \"fc.weight\" of shape [6, 1536]");
  expect("\"image_size\": 32", "\"image_size\": 0", "image_size");
  expect("\"strides\": [\n    1,", "\"strides\": [", "expected a stride for each of 5 channels, got 4");
  expect("\"norm_num_groups\": 4", "\"norm_num_groups\": 3", "norm_num_groups");
  expect("\"background\": 5,", "", "\"heads.background.bias\"");
  expect("\"background\": 5", "\"background\": 0", "expected an object of names and numbers from 1 to 1000000");
  expect("\"background\": 5", "\"backdrop\": 5", "expected tensor \"heads.backdrop.weight\"");
  expect("\"heads\":", "\"_heads\":", "\"heads\", got nothing");
  const TemporaryFolder bare;
  std::filesystem::copy(kFive / "config.json", bare.path());
  EXPECT_FEWSTEP_ERROR(load_feature_net(bare.path(), kCpu), ExitCode::kInput, "expected model.safetensors");
}

}  // namespace
}  // namespace fewstep
