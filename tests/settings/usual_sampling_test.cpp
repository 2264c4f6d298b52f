// Defaults by kind of model.
#include "settings/usual_sampling.h"

#include "core/files.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using testing::HasSubstr;

CheckpointInfo of_kind(CheckpointKind kind, bool omega_embedding = false) {
  CheckpointInfo info;
  info.kind = kind;
  info.omega_embedding = omega_embedding;
  return info;
}

TEST(UsualSampling, OfADiffusionModelIsItsPipelinesDefault) {
  const UsualSampling usual = usual_sampling(of_kind(CheckpointKind::kTeacher), {});
  EXPECT_EQ(usual.sampler, "dpm++");
  EXPECT_EQ(usual.steps, 25);
  EXPECT_EQ(usual.guidance, (Guidance{6.5, true})) << "guidance_scale 7.5";
  EXPECT_EQ(usual.why, "");
}

TEST(UsualSampling, OfAConsistencyModelFollowsItsEmbeddingAndTraining) {
  const CheckpointInfo embedded = of_kind(CheckpointKind::kConsistency, true);
  EXPECT_EQ(usual_sampling(embedded, {}).guidance, (Guidance{7, false})) << "guidance_scale 8";
  EXPECT_EQ(usual_sampling(embedded, {2.0, 14.0, {}}).guidance.omega, 7);
  EXPECT_EQ(usual_sampling(embedded, {0.0, 3.0, {}}).guidance.omega, 1.5);
  EXPECT_EQ(usual_sampling(embedded, {}).steps, 4);
  EXPECT_EQ(usual_sampling(embedded, {{}, {}, 2}).steps, 2);
  // A merged LCM-LoRA: guidance would be classifier-free, at twice the cost.
  const UsualSampling merged = usual_sampling(of_kind(CheckpointKind::kConsistency), {});
  EXPECT_EQ(merged.sampler, "lcm");
  EXPECT_EQ(merged.guidance, (Guidance{0, false}));
  EXPECT_THAT(merged.why, HasSubstr("without guidance"));
}

TEST(UsualSampling, OfAGuidedDistillStudentUnderEulerIsNotThatOfADiffusionModel) {
  CheckpointInfo info = of_kind(CheckpointKind::kGuidedDistill, true);
  info.few_steps = true;
  EXPECT_EQ(usual_sampling(info, {}).sampler, "guided-distill");
}

TEST(UsualSampling, OfAGuidedDistillStudentIsWhatItWasTrainedFor) {
  const UsualSampling usual = usual_sampling(of_kind(CheckpointKind::kGuidedDistill, true), {0.0, 3.0, 2});
  EXPECT_EQ(usual.sampler, "guided-distill");
  EXPECT_EQ(usual.steps, 2);
  EXPECT_EQ(usual.guidance.omega, 1.5);
}

// The schedulers of SD-Turbo and of a usual model: Euler, on trailing and on leading times.
TEST(UsualSampling, OfEulerOnTrailingTimesIsFewStepsWithoutGuidance) {
  for (const char* scheduler : {"EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DDIMScheduler"}) {
    for (const char* spacing : {"trailing", "leading"}) {
      const TemporaryFolder folder;
      std::filesystem::copy(std::filesystem::path(FEWSTEP_TEST_DATA) / "checkpoints/sd15", folder.path() / "turbo",
                            std::filesystem::copy_options::recursive);
      const auto index = folder.path() / "turbo/model_index.json",
                 config = folder.path() / "turbo/scheduler/scheduler_config.json";
      auto edit = [](const std::filesystem::path& path, const auto& change) {
        auto json = nlohmann::json::parse(read_file(path));
        change(json);
        write_file_atomically(path, json.dump());
      };
      edit(index, [&](auto& json) { json["scheduler"][1] = scheduler; });
      edit(config, [&](auto& json) {
        json["_class_name"] = scheduler;
        json["timestep_spacing"] = spacing;
      });
      const CheckpointInfo info = inspect_checkpoint(folder.path() / "turbo", false);
      const bool few = scheduler[0] == 'E' && spacing[0] == 't';
      EXPECT_EQ(info.few_steps, few) << scheduler << spacing;
      const UsualSampling usual = usual_sampling(info, {});
      EXPECT_EQ(usual.sampler, few ? "ddim" : "dpm++");
      EXPECT_EQ(usual.steps, few ? 4 : 25);
      EXPECT_EQ(usual.guidance.omega, few ? 0 : 6.5);
      EXPECT_EQ(usual.why.empty(), !few);
    }
  }
}

}  // namespace
}  // namespace fewstep
