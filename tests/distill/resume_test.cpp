// Stopping training in every way and starting it again ends in the same weights as without.
#include "datasets/shapes.h"
#include "images/files.h"
#include "small_training.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <random>

namespace fewstep {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kSettings{"train.steps=80", "train.save_every=7", "train.report_every=5",
                                         "train.batch=8"};

std::string weights_of(const SmallTraining& training) {
  return sha256_file(training.output("features") / "model.safetensors");
}
std::filesystem::path state_of(const SmallTraining& training) {
  return training.output("features").string() + ".training.safetensors";
}

Finished stop_when(const SmallTraining& training, const std::function<bool()>& ready, int signal) {
  return run_program("fewstep", training.arguments("features", kSettings), SmallTraining::one_thread, [&](int pid) {
    for (int i = 0; i < 20'000 && !ready(); ++i) ::usleep(1000);
    ::kill(pid, signal);
  });
}

TEST(TrainingResume, AfterSigkillAtRandomMomentsEndsInTheSameWeightsAndLosses) {
  const SmallTraining whole, killed;
  ASSERT_EQ(whole.train("features", kSettings).code, 0);
  const int rounds = std::getenv("FEWSTEP_TORTURE") ? 20 : 4;
  std::mt19937 random(20231006);
  int kills = 0;
  for (int round = 0; round < rounds; ++round) {
    int milliseconds = static_cast<int>(random() % 250);  // after there is a state
    const auto ready = [&] { return std::filesystem::exists(state_of(killed)) && milliseconds-- <= 0; };
    kills += stop_when(killed, ready, SIGKILL).code == 128 + SIGKILL;
    if (std::filesystem::exists(killed.output("features"))) {  // it was done: again from the start
      EXPECT_EQ(weights_of(killed), weights_of(whole));
      std::filesystem::remove_all(killed.output("features"));
    }
  }
  EXPECT_GT(kills, 0);
  ASSERT_EQ(killed.train("features", kSettings).code, 0);
  EXPECT_EQ(weights_of(killed), weights_of(whole));
  EXPECT_EQ(killed.losses("features"), whole.losses("features"));
}

TEST(TrainingResume, AfterCtrlCSaysHowToGoOnAndGoesOn) {
  const SmallTraining whole, stopped;
  ASSERT_EQ(whole.train("features", kSettings).code, 0);
  const Finished finished = stop_when(
      stopped, [&] { return std::filesystem::exists(state_of(stopped)); }, SIGINT);
  ASSERT_EQ(finished.code, 75) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("the same command continues"));
  EXPECT_FALSE(std::filesystem::exists(stopped.output("features")));
  ASSERT_EQ(stopped.train("features", kSettings).code, 0);
  EXPECT_EQ(weights_of(stopped), weights_of(whole));
  EXPECT_EQ(stopped.losses("features"), whole.losses("features"));
  EXPECT_FALSE(std::filesystem::exists(state_of(stopped)));
}

TEST(TrainingResume, WhatIsTrainedAlreadyIsNotTrainedAgain) {
  const SmallTraining training;
  ASSERT_EQ(training.train("features", kSettings).code, 0);
  const Finished second = training.train("features", kSettings);
  EXPECT_EQ(second.code, 0);
  EXPECT_THAT(second.err, HasSubstr("trained by this recipe already"));
  auto other = kSettings;
  other.emplace_back("train.learning_rate=1e-3");
  const auto before = weights_of(training);
  const Finished refused = training.train("features", other);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("holds what another recipe, or other data, trained; `fewstep distill --again`"));
  EXPECT_EQ(weights_of(training), before);
}

TEST(TrainingResume, AnotherRecipeKeepsTheFinishedOneUntilItIsWholeItself) {
  const SmallTraining training;
  ASSERT_EQ(training.train("features", kSettings).code, 0);
  const auto before = weights_of(training);
  auto other = kSettings;
  other.emplace_back("train.learning_rate=1e-3");
  auto arguments = training.arguments("features", other);
  arguments.emplace_back("--again");
  const auto kept = training.output("features.before") / "model.safetensors";
  const Finished stopped = run_program("fewstep", arguments, SmallTraining::one_thread, [&](int pid) {
    for (int i = 0; i < 20'000 && !std::filesystem::exists(state_of(training)); ++i) ::usleep(1000);
    ::kill(pid, SIGKILL);
  });
  ASSERT_EQ(stopped.code, 128 + SIGKILL) << stopped.err;
  ASSERT_TRUE(std::filesystem::exists(kept));
  EXPECT_EQ(sha256_file(kept), before);
  ASSERT_EQ(training.train("features", other).code, 0) << "goes on without --again";
  EXPECT_NE(weights_of(training), before);
  EXPECT_FALSE(std::filesystem::exists(kept)) << "the new one is whole";
}

TEST(TrainingResume, ALongerTrainingGoesOnAsIfItHadBeenAskedForAtFirst) {
  const SmallTraining whole, longer;
  std::vector<std::string> constant = kSettings, more;
  constant.emplace_back("train.decay=constant");
  for (const std::string& setting : constant) more.push_back(setting == "train.steps=80" ? "train.steps=120" : setting);
  ASSERT_EQ(whole.train("features", more).code, 0);
  const Finished stopped =
      run_program("fewstep", longer.arguments("features", constant), SmallTraining::one_thread, [&](int pid) {
        for (int i = 0; i < 20'000 && !std::filesystem::exists(state_of(longer)); ++i) ::usleep(1000);
        ::kill(pid, SIGINT);
      });
  ASSERT_EQ(stopped.code, 75) << stopped.err;
  ASSERT_EQ(longer.train("features", more).code, 0);
  EXPECT_EQ(weights_of(longer), weights_of(whole));
  EXPECT_EQ(longer.losses("features"), whole.losses("features"));
}

TEST(TrainingResume, TheStateOfAnotherRecipeIsRefusedAndKept) {
  const SmallTraining training;
  stop_when(
      training, [&] { return std::filesystem::exists(state_of(training)); }, SIGINT);
  ASSERT_TRUE(std::filesystem::exists(state_of(training)));
  const std::string state = sha256_file(state_of(training));
  auto other = kSettings;
  other.emplace_back("train.learning_rate=1e-3");
  const Finished finished = training.train("features", other);
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("state of another recipe"));
  EXPECT_EQ(sha256_file(state_of(training)), state);
}

TEST(TrainingResume, ATornStateIsAClearError) {
  const SmallTraining training;
  stop_when(
      training, [&] { return std::filesystem::exists(state_of(training)); }, SIGINT);
  std::filesystem::resize_file(state_of(training), std::filesystem::file_size(state_of(training)) / 2);
  const Finished finished = training.train("features", kSettings);
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr(state_of(training).string()));
}

TEST(TrainingFailure, ALossThatIsNotFiniteNamesTheStepAndKeepsWhatWasSaved) {
  const SmallTraining training;
  auto wild = kSettings;
  wild.emplace_back("train.learning_rate=90");
  wild.emplace_back("train.warmup=0");
  wild.emplace_back("train.clip=0");
  wild.emplace_back("train.weight_decay=90");
  wild.emplace_back("train.save_every=1");
  const Finished finished = training.train("features", wild);
  EXPECT_EQ(finished.code, 3) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("expected a finite"));
  EXPECT_THAT(finished.err, HasSubstr("at step "));
  EXPECT_THAT(finished.err, HasSubstr("is kept"));
  EXPECT_TRUE(std::filesystem::exists(state_of(training)));
  EXPECT_FALSE(std::filesystem::exists(training.output("features")));
}

TEST(TrainingFailure, AFullDiskLosesNothing) {
  const SmallTraining whole, full;
  ASSERT_EQ(whole.train("features", kSettings).code, 0);
  const Finished finished = run_program("fewstep", full.arguments("features", kSettings), [] {
    SmallTraining::one_thread();
    ::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit fails, as on a full disk
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  });
  EXPECT_EQ(finished.code, 4) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr(state_of(full).string()));
  EXPECT_FALSE(std::filesystem::exists(full.output("features")));
  ASSERT_EQ(full.train("features", kSettings).code, 0);
  EXPECT_EQ(weights_of(full), weights_of(whole));
}

TEST(TrainingFailure, PartsThatDoNotFitAreToldBeforeAnythingIsTrained) {
  const SmallTraining training;
  Finished finished = training.train("vae", {"train.steps=2", "data.resolution=30"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("expected a resolution that the VAE divides by 4, got 30"));
  finished = training.train("vae", {"train.steps=2", "output=/proc/nowhere/vae"});
  EXPECT_EQ(finished.code, 4);
  EXPECT_THAT(finished.err, HasSubstr("[/proc/nowhere] cannot be made"));
  EXPECT_THAT(finished.err, testing::Not(HasSubstr("2 steps")));
  ASSERT_EQ(training.train("vae", {"train.steps=2"}).code, 0);
  ASSERT_EQ(training.train("clip", {"train.steps=2", "train.batch=8"}).code, 0);
  finished = training.train("teacher", {"train.steps=2", "diffusion.network=" + std::string(FEWSTEP_TEST_DATA) +
                                                             "/checkpoints/sd15/unet/config.json"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("expected cross_attention_dim 64, as VAE and text encoder have it, got 16"));
  finished = training.train("lcm", {"train.steps=2", "lcd.teacher=../vae"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("model_index.json"));
}

TEST(TrainingData, ComeFromAFolderOrATarToo) {
  const SmallTraining training;
  const std::string recipe =
      "name = \"v\"\nmethod = \"vae\"\nseed = 1\noutput = \"../v\"\n[vae]\nnetwork = \"../networks/vae.json\"\n[data]\n"
      "images = \"../images\"\ncaptions = \"../captions.csv\"\nresolution = 16\n[train]\nsteps = 3\nbatch = 2\n"
      "learning_rate = 1e-3\n";
  std::filesystem::create_directory(training.output("images"));
  std::string table = "file,caption\n";
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i) + ".png";
    write_png(training.output("images") / name, draw_shapes(make_shape_scene(ShapeSplit::kTrain, i), 24 + i));
    table += name + ",a scene\n";
  }
  training.folder.write("captions.csv", table);
  const auto file = training.folder.write("recipes/files.toml", recipe);
  const auto train = [&] {
    return run_program("fewstep", {"distill", file, "--device", "cpu"}, SmallTraining::one_thread);
  };
  Finished finished = train();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(std::filesystem::exists(training.output("v") / "diffusion_pytorch_model.safetensors"));
  training.folder.write("captions.csv", table.substr(0, table.size() - 28));  // the last two images have no caption
  finished = train();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("2.png"));
}

}  // namespace
}  // namespace fewstep
