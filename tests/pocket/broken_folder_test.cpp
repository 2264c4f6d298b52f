// Pocket folders that are incomplete: the error names the file, and what does not need it runs.
#include "harness/program.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace fewstep {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class PocketFolder : public testing::Test {
 protected:
  PocketFolder() { fs::copy(fs::path(FEWSTEP_SOURCE_DIR) / "pocket" / "lcm", lcm(), fs::copy_options::recursive); }

  fs::path lcm() const { return folder_.path() / "lcm"; }
  Finished run(const std::vector<std::string>& options) const {
    std::vector<std::string> arguments{"run",      std::string(FEWSTEP_SOURCE_DIR) + "/experiments/pocket.toml",
                                       "--store",  folder_.path() / "pocket.sqlite",
                                       "--device", "cpu",
                                       "--limit",  "4",
                                       "--set",    "checkpoint.lcm.path=\"" + lcm().string() + "\"",
                                       "--set",    "timing.repetitions=1"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments);
  }

  TemporaryFolder folder_;
};

TEST_F(PocketFolder, WithAFileMissingIsAnErrorThatNamesIt) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(lcm()))
    if (entry.is_regular_file() && entry.path().filename() != "fewstep.json") files.push_back(entry.path());
  ASSERT_GE(files.size(), 12U);
  for (const fs::path& file : files) {
    if (file.filename() == "special_tokens_map.json") continue;  // which has defaults
    const fs::path aside = folder_.path() / "aside";
    fs::rename(file, aside);
    const Finished finished = run({"--only", "sampler=lcm steps=1"});
    EXPECT_EQ(finished.code, 3) << file << ": " << finished.err;
    EXPECT_THAT(finished.err, AnyOf(HasSubstr(file.filename().string()), HasSubstr(file.parent_path().string())))
        << file;
    fs::rename(aside, file);
  }
}

TEST_F(PocketFolder, WithWeightsCutShortIsToldBeforeAnythingIsBegun) {
  const fs::path weights = lcm() / "unet" / "diffusion_pytorch_model.safetensors";
  fs::resize_file(weights, fs::file_size(weights) / 2);
  const Finished finished = run({"--only", "sampler=lcm,ddim steps=1"});
  EXPECT_EQ(finished.code, 3) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr(weights.string()));
  EXPECT_FALSE(fs::exists(folder_.path() / "pocket.sqlite"));
  EXPECT_EQ(run({"--only", "checkpoint=teacher sampler=ddim steps=1"}).code, 0) << "others go on";
}

TEST_F(PocketFolder, ThatIsNotTrainedYetIsAnErrorThatSaysWhatToDo) {
  fs::remove_all(lcm());
  const Finished finished = run({});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("expected a folder, found nothing at " + lcm().string() +
                                      "; put it there, train it with fewstep distill, or leave it out with --only"));
  EXPECT_FALSE(fs::exists(folder_.path() / "pocket.sqlite"));
  const Finished others = run({"--only", "checkpoint=teacher sampler=ddim steps=1"});
  EXPECT_EQ(others.code, 0) << others.err;
}

}  // namespace
}  // namespace fewstep
