// Before hours are spent: all that is wrong, in one message.
#include "harness/run/preflight.h"

#include "core/files.h"
#include "harness/small_experiment.h"
#include "process/environment.h"
#include "warnings.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Preflight : public testing::Test {
 protected:
  // A copy of a tiny checkpoint, to plant faults in.
  fs::path copy(const std::string& name) const {
    const fs::path folder = small_.folder.path() / name;
    fs::copy(small_.golden + "/checkpoints/" + name, folder, fs::copy_options::recursive);
    return folder;
  }
  void plant(const fs::path& file, const std::string& bytes) const { write_file_atomically(file, bytes); }

  SmallExperiment small_;
};

TEST_F(Preflight, NamesSevenPlantedFaultsInOneMessage) {
  const fs::path teacher = copy("sd15"), student = copy("lcm");
  const auto unet = teacher / "unet/diffusion_pytorch_model.safetensors";
  plant(unet, read_file(unet).substr(0, fs::file_size(unet) / 2));  // 1: cut short
  plant(teacher / "vae/diffusion_pytorch_model.safetensors",        // 2: never fetched
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 335\n");
  fs::remove(teacher / "tokenizer/merges.txt");  // 3
  fs::remove(teacher / "tokenizer/tokenizer.json");
  auto config = nlohmann::json::parse(read_file(student / "unet/config.json"));
  config["cross_attention_dim"] = 96;
  plant(student / "unet/config.json", config.dump());  // 4: shapes of another network
  small_.checkpoints = small_.checkpoint("sd15", "ddim", teacher) + small_.checkpoint("lcm", "lcm", student) +
                       small_.checkpoint("gone", "lcm", (small_.folder.path() / "gone").string());               // 5
  small_.metrics = "[[metric]]\nname = \"clip-score\"\nmodel = \"" + small_.golden + "/metrics/clip-none\"\n" +  // 6
                   "[[metric]]\nname = \"fd-pocket\"\nmodel = \"" + small_.golden + "/feature_net/five_layers\"\n";
  small_.more = "[reference]\nstatistics = \"" + (small_.folder.path() / "reference.npz").string() + "\"\n";  // 7
  for (const std::vector<std::string>& options : {std::vector<std::string>{"--dry-run"}, {}}) {
    const Finished finished = small_.run(options);
    EXPECT_EQ(finished.code, 3) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("7 things are wrong:"));
    for (const auto& text :
         {unet.string(), std::string("is a Git LFS pointer"), std::string("merges.txt"), (student / "unet").string(),
          std::string("gone"), std::string("clip-none"), std::string("reference.npz"), std::string("\n7. ")})
      EXPECT_THAT(finished.err, HasSubstr(text));
    EXPECT_THAT(finished.err, Not(HasSubstr("\n8. ")));
    EXPECT_FALSE(fs::exists(small_.store())) << "nothing was begun";
  }
}

TEST_F(Preflight, AsksWhetherTheDiskHoldsWhatTheRunWillStore) {
  Faults faults;
  check_disk(small_.store(), 1000, faults);
  check_disk("a/folder/that/will/be/made/results.sqlite", 1000, faults);
  EXPECT_EQ(faults.count(), 0u);
  check_disk(small_.store(), 1e18, faults);
  EXPECT_EQ(faults.count(), 1u);
  EXPECT_FEWSTEP_ERROR(faults.finish("x"), ExitCode::kEnvironment, "expected 1e+09 GB of free disk for the store");
}

TEST_F(Preflight, AsksWhetherTheMemoryHoldsEachCheckpoint) {
  Cell cell;
  cell.checkpoint = small_.golden + "/checkpoints/lcm";
  const std::vector<Cell> cells{cell, cell};
  const auto bytes = static_cast<std::int64_t>(bytes_on_disk(cell.checkpoint.folder));
  Faults faults;
  const Warnings warnings;
  check_memory(cells, 3 * bytes + 300'000'000, faults);
  EXPECT_EQ(warnings.text(), "");
  check_memory(cells, 3 * bytes, faults);
  EXPECT_THAT(warnings.text(), HasSubstr("may need more memory than there is"));
  EXPECT_EQ(faults.count(), 0u);
  check_memory(cells, bytes - 1, faults);
  EXPECT_EQ(faults.count(), 1u);
  EXPECT_FEWSTEP_ERROR(faults.finish("x"), ExitCode::kEnvironment, "raise the limit of the container");
}

TEST(Environment, NamesTheQuotaAndTheAffinityWhereTheyLimit) {
  const auto json = [](const CpuLimits& limits) {
    return nlohmann::json::parse(environment_json(at::Device(at::kCPU), limits));
  };
  const auto plain = json({8, 8, {}});
  EXPECT_EQ(plain.at("cores"), 8);
  EXPECT_FALSE(plain.contains("cpu_quota") || plain.contains("cpu_affinity"));
  EXPECT_EQ(json({8, 8, 8.0}), plain) << "a quota that limits nothing leaves the hash as it is";
  EXPECT_EQ(json({8, 8, 0.5}).at("cpu_quota"), 0.5);
  EXPECT_EQ(json({8, 8, 0.5}).at("cores"), 1);
  EXPECT_NE(json({8, 8, 1.0}), json({8, 8, 1.5}));
  EXPECT_EQ(json({8, 4, {}}).at("cpu_affinity"), 4);
  EXPECT_EQ(json({8, 4, {}}).at("cores"), 4);
}

TEST_F(Preflight, LeavesASingleFaultAsItIs) {
  small_.metrics = "[[metric]]\nname = \"clip-score\"\nmodel = \"" + small_.golden + "/metrics/clip-none\"\n";
  const Finished finished = small_.run({"--dry-run"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, Not(HasSubstr("things are wrong")));
  EXPECT_THAT(finished.err, HasSubstr("clip-none"));
}

TEST_F(Preflight, AsksForNothingThatTheSelectedCellsDoNotUse) {
  small_.checkpoints += small_.checkpoint("gone", "lcm", (small_.folder.path() / "gone").string());
  EXPECT_EQ(small_.run({"--only", "checkpoint=lcm", "--dry-run"}).code, 0);
}

TEST_F(Preflight, CountsWhatAStoreHasWithoutHashing) {
  ASSERT_EQ(small_.run({"--limit", "4"}).code, 0);
  EXPECT_THAT(small_.run({"--dry-run"}).out, HasSubstr("4 images to make of 12"));
}

TEST_F(Preflight, CalibratesOnTwoBatchesOfEachCheckpoint) {
  const Finished finished = small_.run({"--dry-run", "--calibrate"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("calibrated on two batches of each checkpoint: about "));
  EXPECT_THAT(finished.out, HasSubstr(" GB of memory at most"));
  EXPECT_FALSE(fs::exists(small_.store()));
  EXPECT_EQ(small_.run({"--calibrate"}).code, 2) << "of a dry run alone";
}

}  // namespace
}  // namespace fewstep
