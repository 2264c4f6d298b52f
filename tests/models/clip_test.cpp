#include "models/clip.h"

#include "core/files.h"
#include "models/clip_config.h"
#include "towers.h"

namespace fewstep {
namespace {

constexpr double kBound = 1e-5;
const Compute kCpu;

void expect_text_states(const std::string& name, const Compute& compute, double bound = kBound) {
  const c10::InferenceMode inference;
  const auto expected = expected_of(name);
  EXPECT_NEAR_GOLDEN(text_states(load_clip_text(kGolden / name, compute), expected.at("ids")), expected.at("states"),
                     bound);
}

void expect_text_embedding(const std::string& name) {
  const c10::InferenceMode inference;
  const auto expected = expected_of(name);
  EXPECT_NEAR_GOLDEN(text_embedding(load_clip_text(kGolden / name, kCpu), expected.at("ids")), expected.at("embedding"),
                     kBound);
}

void expect_clip_equals_transformers(const std::string& name, const Compute& compute) {
  const c10::InferenceMode inference;
  const auto expected = expected_of(name);
  const Clip clip = load_clip(kGolden / name, compute);
  EXPECT_NEAR_GOLDEN(text_states(clip.text, expected.at("ids")), expected.at("states"), kBound);
  EXPECT_NEAR_GOLDEN(text_embedding(clip.text, expected.at("ids")), expected.at("text_embedding"), kBound);
  EXPECT_NEAR_GOLDEN(image_embedding(clip.vision, expected.at("pixels")), expected.at("image_embedding"), kBound);
}

TEST(ClipText, EqualsTransformersWithQuickGeluAndPrefixedNames) { expect_text_states("text_sd15", kCpu); }

TEST(ClipText, EqualsTransformersWithGeluFromFloat16Files) { expect_text_states("text_sd21", kCpu); }

TEST(ClipText, EqualsTransformersOnCuda) {
  const auto compute = cuda();
  if (!compute) GTEST_SKIP() << "no CUDA device";
  expect_text_states("text_sd15", *compute);
  expect_text_states("text_sd21", *compute);
}

TEST(ClipText, PoolsAtTheHighestIdWhereTheEndTokenIsSaidToBeTwo) { expect_text_embedding("text_projection_highest"); }

TEST(ClipText, PoolsAtTheFirstEndTokenOtherwise) { expect_text_embedding("text_projection_first_end"); }

TEST(ClipText, IsTheSameOutsideInferenceMode) {
  const auto expected = expected_of("text_sd15");
  EXPECT_NEAR_GOLDEN(text_states(load_clip_text(kGolden / "text_sd15", kCpu), expected.at("ids")),
                     expected.at("states"), kBound);
}

TEST(ClipText, DoesNotDependOnBatchSizeOrThreads) {
  const c10::InferenceMode inference;
  const Tensor ids = expected_of("text_sd15").at("ids");
  const ClipText model = load_clip_text(kGolden / "text_sd15", kCpu);
  const Tensor together = text_states(model, ids);
  for (std::int64_t i = 0; i < ids.size(0); ++i) {
    EXPECT_NEAR_GOLDEN(text_states(model, ids.slice(0, i, i + 1)), together.slice(0, i, i + 1), kBound);
  }
  EXPECT_LE(difference_between_thread_counts([&] { return text_states(model, ids); }), kBound);
}

TEST(ClipText, IsCausalSoThatLaterTokensDoNotReachEarlierStates) {
  const c10::InferenceMode inference;
  const Tensor ids = expected_of("text_sd15").at("ids");
  const ClipText model = load_clip_text(kGolden / "text_sd15", kCpu);
  EXPECT_NEAR_GOLDEN(text_states(model, ids.slice(1, 0, 7)), text_states(model, ids).slice(1, 0, 7), kBound);
}

TEST(ClipText, RunsInBfloat16NearFloat32) { expect_text_states("text_sd15", {at::kCPU, at::kBFloat16}, 0.05); }

TEST(ClipText, RefusesIdsOutsideTheVocabularyAndTooManyTokens) {
  const ClipText model = load_clip_text(kGolden / "text_sd15", kCpu);
  EXPECT_FEWSTEP_ERROR(text_states(model, at::full({1, 12}, 64, at::kLong)), ExitCode::kInput,
                       "expected token ids from 0 to 63, got 64");
  EXPECT_FEWSTEP_ERROR(text_states(model, at::full({1, 12}, -1, at::kLong)), ExitCode::kInput, "got -1");
  EXPECT_FEWSTEP_ERROR(text_states(model, at::zeros({1, 13}, at::kLong)), ExitCode::kInput, "[B,1…12]");
  EXPECT_FEWSTEP_ERROR(text_states(model, at::zeros({1, 12})), ExitCode::kInput, "int64");
}

TEST(ClipText, WithoutProjectionHasNoEmbedding) {
  const ClipText model = load_clip_text(kGolden / "text_sd15", kCpu);
  EXPECT_FEWSTEP_ERROR(text_embedding(model, at::zeros({1, 12}, at::kLong)), ExitCode::kInput,
                       "text_projection.weight");
}

TEST(ClipText, NamesTheKeyOfAnUnsupportedConfiguration) {
  const TemporaryFolder folder;
  const auto config = folder.path() / "config.json";
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& message) {
    copy_case("text_sd15", folder.path());
    edit(config, from, to);
    EXPECT_FEWSTEP_ERROR(load_clip_text(folder.path(), kCpu), ExitCode::kInput, message);
  };
  expect("\"quick_gelu\"", "\"gelu_new\"", "gelu_new");
  expect("\"clip_text_model\"", "\"bert\"", "model_type");
  expect("{", "{\"is_encoder_decoder\": true,", "is_encoder_decoder");
  expect("\"num_attention_heads\": 3", "\"num_attention_heads\": 5", "num_attention_heads");
  expect("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "text_model.encoder.layers.2.");
  expect("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "left over");
  expect("\"hidden_size\": 24", "\"hidden_size\": 48", "[64, 48]");
}

TEST(ClipTextConfig, HasTransformersDefaultsWhereKeysAreAbsent) {
  const TemporaryFolder folder;
  const ClipTowerConfig config = read_clip_text_config(folder.write("config.json", "{}"));
  EXPECT_EQ(config.hidden_size, 512);
  EXPECT_EQ(config.intermediate_size, 2048);
  EXPECT_EQ(config.layers, 12);
  EXPECT_EQ(config.heads, 8);
  EXPECT_EQ(config.vocab_size, 49408);
  EXPECT_EQ(config.positions, 77);
  EXPECT_EQ(config.eos_token_id, 49407);
  EXPECT_EQ(config.hidden_act, "quick_gelu");
  EXPECT_EQ(config.layer_norm_eps, 1e-5);
}

TEST(Clip, EqualsTransformers) { expect_clip_equals_transformers("clip", kCpu); }

TEST(Clip, EqualsTransformersOnOpenAisOldConfiguration) { expect_clip_equals_transformers("clip_openai", kCpu); }

TEST(Clip, EqualsTransformersOnCuda) {
  const auto compute = cuda();
  if (!compute) GTEST_SKIP() << "no CUDA device";
  expect_clip_equals_transformers("clip", *compute);
  expect_clip_equals_transformers("clip_openai", *compute);
}

TEST(Clip, StaysInFloat32WhateverIsAskedFor) {
  const c10::InferenceMode inference;
  const Clip clip = load_clip(kGolden / "clip", {at::kCPU, at::kBFloat16});
  const auto expected = expected_of("clip");
  EXPECT_NEAR_GOLDEN(image_embedding(clip.vision, expected.at("pixels")), expected.at("image_embedding"), kBound);
}

TEST(Clip, DoesNotDependOnBatchSizeOrThreads) {
  const c10::InferenceMode inference;
  const Tensor pixels = expected_of("clip").at("pixels");
  const Clip clip = load_clip(kGolden / "clip", kCpu);
  const Tensor together = image_embedding(clip.vision, pixels);
  for (std::int64_t i = 0; i < pixels.size(0); ++i) {
    EXPECT_NEAR_GOLDEN(image_embedding(clip.vision, pixels.slice(0, i, i + 1)), together.slice(0, i, i + 1), kBound);
  }
  EXPECT_LE(difference_between_thread_counts([&] { return image_embedding(clip.vision, pixels); }), kBound);
}

TEST(Clip, RefusesImagesOfAnotherSize) {
  const Clip clip = load_clip(kGolden / "clip", kCpu);
  EXPECT_FEWSTEP_ERROR(image_embedding(clip.vision, at::zeros({1, 3, 24, 25})), ExitCode::kInput, "[B,3,24,24]");
}

TEST(Clip, NeedsBothProjectionsAndNoOtherTensor) {
  const TemporaryFolder folder;
  copy_case("clip", folder.path());
  auto tensors = load_tensors(kGolden / "clip/model.safetensors");
  const auto expect = [&](const std::string& message) {
    save_tensors(folder.path() / "model.safetensors", tensors);
    EXPECT_FEWSTEP_ERROR(load_clip(folder.path(), kCpu), ExitCode::kInput, message);
  };
  tensors.emplace("classifier.weight", at::zeros({2}));
  expect("classifier.weight");
  tensors.erase("classifier.weight");
  const Tensor text = tensors.extract("text_projection.weight").mapped();
  expect("text_projection.weight");
  tensors.emplace("text_projection.weight", text);
  tensors.erase("visual_projection.weight");
  expect("visual_projection.weight");
}

TEST(Clip, NamesTheTowerOfAnUnsupportedConfiguration) {
  const TemporaryFolder folder;
  copy_case("clip", folder.path());
  edit(folder.path() / "config.json", "\"patch_size\": 8", "\"patch_size\": [8, 8]");
  EXPECT_FEWSTEP_ERROR(load_clip(folder.path(), kCpu), ExitCode::kInput, "vision_config");
}

}  // namespace
}  // namespace fewstep
