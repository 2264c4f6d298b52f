// Every stage of the pocket world's training, cut short: it runs, its loss falls, and what it writes is a checkpoint.
#include "checkpoints/checkpoint.h"
#include "distill/latent_data.h"
#include "small_training.h"

#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;

double last_loss(const nlohmann::json& losses, const std::string& phase) {
  double loss = -1;
  for (const auto& point : losses)
    if (point.at(0) == phase) loss = point.at(2);
  return loss;
}
double first_loss(const nlohmann::json& losses, const std::string& phase) {
  for (const auto& point : losses)
    if (point.at(0) == phase) return point.at(2);
  return -1;
}

void expect_falls(const nlohmann::json& losses, const std::string& phase, double bound) {
  const double first = first_loss(losses, phase), last = last_loss(losses, phase);
  std::printf("%s: loss %.4g, then %.4g (bound %.4g)\n", phase.c_str(), first, last, bound);
  EXPECT_GT(first, last) << phase;
  EXPECT_LE(last, bound) << phase;
  EXPECT_GE(last, 0) << phase;
}

void expect_trained(const Finished& finished) { ASSERT_EQ(finished.code, 0) << finished.err; }

TEST(Training, EveryStageOfThePocketWorldLowersItsLossAndWritesACheckpoint) {
  const SmallTraining small;
  expect_trained(small.train("vae", {"train.steps=40"}));
  expect_falls(small.losses("vae"), "vae", 0.9);
  expect_trained(small.train("clip", {"train.steps=30", "train.batch=64"}));
  expect_falls(small.losses("clip"), "clip", 2.5);
  expect_trained(small.train("features", {"train.steps=40"}));
  expect_falls(small.losses("features"), "features", 6);
  expect_trained(small.train("teacher", {"train.steps=50", "train.batch=32", "diffusion.ema=0.5"}));
  expect_falls(small.losses("teacher"), "diffusion", 0.5);

  expect_trained(small.train("lcm", {"train.steps=30", "train.batch=16", "lcd.skip_step=20"}));
  expect_falls(small.losses("lcm"), "lcd", 0.1);
  expect_trained(
      small.train("guided-distill", {"guided-distill.stage_one_steps=30", "guided-distill.steps_per_halving=30",
                                     "train.batch=16", "guided-distill.students=[2, 1]"}));
  const auto losses = small.losses("guided-distill/1-steps");
  expect_falls(losses, "stage-one", 0.1);
  expect_falls(losses, "2-steps", 0.7);
  expect_falls(losses, "1-steps", 0.6);

  const c10::InferenceMode inference;
  const Checkpoint teacher = load_checkpoint(small.output("teacher"), {});
  EXPECT_EQ(teacher.info.kind, CheckpointKind::kTeacher);
  const Checkpoint lcm = load_checkpoint(small.output("lcm"), {});
  EXPECT_EQ(lcm.info.kind, CheckpointKind::kConsistency);
  EXPECT_EQ(lcm.info.original_inference_steps, 50);
  const Checkpoint one = load_checkpoint(small.output("guided-distill/1-steps"), {});
  EXPECT_EQ(one.info.kind, CheckpointKind::kGuidedDistill);
  const auto provenance = nlohmann::json::parse(read_file(small.output("lcm") / "fewstep.json"));
  EXPECT_EQ(provenance.at("parents").at(0).at("sha256"), teacher.info.hash);
  EXPECT_EQ(provenance.at("recipe").at("skip_step"), 20);

  expect_trained(small.train("lcf", {"train.steps=20", "train.report_every=5", "train.batch=16"}));
  expect_falls(small.losses("lcm-outline"), "lcf", 0.1);
}

// Latents and text states are kept under this hash, so that it covers all that they are made with.
TEST(TrainingParts, HaveAnotherHashForEveryShardAndTokenizerFile) {
  const TemporaryFolder folder;
  const std::filesystem::path golden = std::string(FEWSTEP_TEST_DATA) + "/checkpoints/sd15", here = folder.path();
  for (const char* part : {"vae", "text_encoder", "tokenizer"})
    std::filesystem::copy(golden / part, here / part, std::filesystem::copy_options::recursive);
  // The text encoder in two shards, whose index names them alone.
  std::filesystem::rename(here / "text_encoder/model.safetensors", here / "text_encoder/a.safetensors");
  folder.write("text_encoder/b.safetensors", "b");
  folder.write("text_encoder/model.safetensors.index.json",
               R"({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}})");
  const auto hash = [&] { return hash_of_parts(here / "vae", here / "text_encoder", here / "tokenizer"); };
  std::vector<std::string> seen{hash()};
  const auto expect_another = [&](const char* changed) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), hash()), 0) << changed;
    seen.push_back(hash());
  };
  folder.write("text_encoder/b.safetensors", "c");
  expect_another("a shard");
  folder.write("tokenizer/tokenizer.json", "{}");
  expect_another("tokenizer.json");
  std::filesystem::remove(here / "tokenizer/vocab.json");  // tokenizer.json stands for it
  EXPECT_EQ(hash(), seen.back());
  folder.write("tokenizer/tokenizer_config.json", "{}");
  expect_another("tokenizer_config.json");
}

}  // namespace
}  // namespace fewstep
