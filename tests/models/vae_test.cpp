#include "models/vae.h"

#include "towers.h"

namespace fewstep {
namespace {

constexpr double kBound = 3e-5;
const Compute kCpu;

void expect_equals_diffusers(const std::string& name, const Compute& compute) {
  const c10::InferenceMode inference;
  const auto expected = expected_of(name);
  const Vae vae = load_vae(kGolden / name, compute);
  EXPECT_NEAR_GOLDEN(decode(vae, expected.at("latents")), expected.at("decoded"), kBound) << " in " << name;
  const LatentMoments moments = encode(vae, expected.at("images"));
  EXPECT_NEAR_GOLDEN(moments.mean, expected.at("mean"), kBound) << " in " << name;
  EXPECT_NEAR_GOLDEN(moments.logvar, expected.at("logvar"), kBound) << " in " << name;
}

TEST(Vae, EqualsDiffusersWithTwoLevels) { expect_equals_diffusers("vae_two_levels", kCpu); }
TEST(Vae, EqualsDiffusersWithFourLevelsAndOldAttentionNames) { expect_equals_diffusers("vae_old_names", kCpu); }
TEST(Vae, EqualsDiffusersWithoutAttentionAndQuantConvolutions) { expect_equals_diffusers("vae_no_attention", kCpu); }

TEST(Vae, EqualsDiffusersOnCuda) {
  const auto compute = cuda();
  if (!compute) GTEST_SKIP() << "no CUDA device";
  for (const char* name : {"vae_two_levels", "vae_old_names", "vae_no_attention"}) {
    expect_equals_diffusers(name, *compute);
  }
}

TEST(Vae, IsTheSameOutsideInferenceMode) {
  const auto expected = expected_of("vae_two_levels");
  const Vae vae = load_vae(kGolden / "vae_two_levels", kCpu);
  EXPECT_NEAR_GOLDEN(decode(vae, expected.at("latents")), expected.at("decoded"), kBound);
  EXPECT_NEAR_GOLDEN(encode(vae, expected.at("images")).mean, expected.at("mean"), kBound);
}

TEST(Vae, FromTensorsInMemoryIsTheSame) {
  const c10::InferenceMode inference;
  const auto folder = kGolden / "vae_two_levels";
  const auto expected = expected_of("vae_two_levels");
  const Vae vae = make_vae(read_vae_config(folder / "config.json"),
                           load_tensors(folder / "diffusion_pytorch_model.safetensors"), kCpu);
  EXPECT_NEAR_GOLDEN(decode(vae, expected.at("latents")), expected.at("decoded"), kBound);
}

TEST(Vae, RunsInBfloat16NearFloat32) {
  const c10::InferenceMode inference;
  const auto expected = expected_of("vae_old_names");
  const Vae vae = load_vae(kGolden / "vae_old_names", {at::kCPU, at::kBFloat16});
  EXPECT_NEAR_GOLDEN(decode(vae, expected.at("latents")), expected.at("decoded"), 0.05);
  EXPECT_EQ(decode(vae, expected.at("latents")).scalar_type(), at::kBFloat16);
}

TEST(Vae, DoesNotDependOnBatchSizeOrThreads) {
  const c10::InferenceMode inference;
  const Tensor latents = expected_of("vae_old_names").at("latents");
  const Vae vae = load_vae(kGolden / "vae_old_names", kCpu);
  const Tensor together = decode(vae, latents);
  for (std::int64_t i = 0; i < latents.size(0); ++i) {
    EXPECT_NEAR_GOLDEN(decode(vae, latents.slice(0, i, i + 1)), together.slice(0, i, i + 1), 1e-5);
  }
  EXPECT_LE(difference_between_thread_counts([&] { return decode(vae, latents); }), 1e-5);
}

TEST(Vae, LargeBatchesGoInPartsWithTheSameResult) {
  const c10::InferenceMode inference;
  const Vae vae = load_vae(kGolden / "vae_no_attention", kCpu);
  const Tensor latents = at::randn({5, 3, 96, 96});  // 384 × 384 pixels each: a part holds three of them
  const Tensor together = decode(vae, latents);
  EXPECT_EQ(together.sizes(), (at::IntArrayRef{5, 3, 384, 384}));
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR_GOLDEN(decode(vae, latents.slice(0, i, i + 1)), together.slice(0, i, i + 1), 1e-5);
  }
}

TEST(Vae, LeavesItsInputUnchanged) {
  const c10::InferenceMode inference;
  const Vae vae = load_vae(kGolden / "vae_no_attention", kCpu);
  const Tensor latents = at::randn({1, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast), copy = latents.clone();
  decode(vae, latents);
  EXPECT_TRUE(latents.equal(copy));
}

TEST(Vae, ClampsTheLogarithmOfTheVariance) {
  const c10::InferenceMode inference;
  auto tensors = load_tensors(kGolden / "vae_two_levels/diffusion_pytorch_model.safetensors");
  tensors["quant_conv.bias"] = at::tensor({0., 0., 0., 0., 1000., -1000., 0., 0.}, at::kFloat);
  const Vae vae = make_vae(read_vae_config(kGolden / "vae_two_levels/config.json"), std::move(tensors), kCpu);
  const LatentMoments moments = encode(vae, at::zeros({1, 3, 8, 8}));
  EXPECT_EQ(moments.logvar.max().item<float>(), 20);
  EXPECT_EQ(moments.logvar.min().item<float>(), -30);
}

TEST(Vae, GivesGradientsToItsWeightsAndInput) {
  auto tensors = load_tensors(kGolden / "vae_two_levels/diffusion_pytorch_model.safetensors");
  for (auto& [name, tensor] : tensors) tensor = tensor.clone().requires_grad_(true);
  const Tensor up = tensors.at("decoder.up_blocks.0.upsamplers.0.conv.weight");
  const Vae vae = make_vae(read_vae_config(kGolden / "vae_two_levels/config.json"), std::move(tensors), kCpu);
  const Tensor latents = at::randn({1, 4, 4, 4}).requires_grad_(true);
  decode(vae, latents).square().mean().backward();
  EXPECT_GT(latents.grad().abs().max().item<float>(), 0);
  EXPECT_GT(up.grad().abs().max().item<float>(), 0);
}

TEST(Vae, RefusesInputOfOtherChannels) {
  const Vae vae = load_vae(kGolden / "vae_two_levels", kCpu);
  EXPECT_FEWSTEP_ERROR(decode(vae, at::zeros({1, 3, 4, 4})), ExitCode::kInput, "[B,4,h,w], got [1, 3, 4, 4]");
  EXPECT_FEWSTEP_ERROR(encode(vae, at::zeros({3, 8, 8})), ExitCode::kInput, "[B,3,h,w]");
}

TEST(Vae, NamesTheKeyOfAnUnsupportedConfiguration) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& message) {
    copy_case("vae_two_levels", folder.path());
    edit(folder.path() / "config.json", from, to);
    EXPECT_FEWSTEP_ERROR(load_vae(folder.path(), kCpu), ExitCode::kInput, message);
  };
  expect("\"shift_factor\": null", "\"shift_factor\": 0.1", "shift_factor");
  expect("\"silu\"", "\"relu\"", "act_fn");
  expect("\"DownEncoderBlock2D\"", "\"AttnDownEncoderBlock2D\"", "down_block_types");
  expect("\"latents_mean\": null", "\"latents_mean\": [0, 0, 0, 0]", "latents_mean");
  expect("\"norm_num_groups\": 4", "\"norm_num_groups\": 3", "norm_num_groups");
  expect("\"scaling_factor\": 0.18215", "\"scaling_factor\": 0", "scaling_factor");
  expect("\"mid_block_add_attention\": true", "\"mid_block_add_attention\": false", "attentions.0");
  expect("\"use_quant_conv\": true", "\"use_quant_conv\": false", "\"quant_conv.bias\"");
  expect("\"AutoencoderKL\"", "\"AutoencoderTiny\"", "_class_name");
}

}  // namespace
}  // namespace fewstep
