// A consistency model is sampled on the grid that its own configuration names, by every command.
#include "core/files.h"
#include "harness/program.h"
#include "temporary.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using nlohmann::json;

const std::string kLcm = std::string(FEWSTEP_SOURCE_DIR) + "/pocket/lcm";  // skip step 100: a grid of 10

class OwnGrid : public testing::Test {
 protected:
  std::string run(const std::string& grid) const {
    const auto captions = folder_.write("captions.txt", "a large red circle on a blue background\n");
    const auto file = folder_.write("own.toml", "name = \"own\"\nseed = 9\n[prompts]\nfile = \"" + captions.string() +
                                                    "\"\n[[checkpoint]]\nname = \"lcm\"\npath = \"" + kLcm +
                                                    "\"\nsamplers = [\"lcm\"]\n[grid]\nsteps = [4]\nomega = [1]\n" +
                                                    grid + "[images]\nkeep = true\n");
    const auto store = folder_.path() / ("own" + std::to_string(grid.size()) + ".sqlite");
    const Finished finished =
        run_program("fewstep", {"run", file, "--store", store, "--device", "cpu", "--batch", "1"});
    EXPECT_EQ(finished.code, 0) << finished.err;
    std::string bytes;
    for (const auto& image :
         std::filesystem::directory_iterator(std::filesystem::path(store).replace_extension(".images")))
      if (image.path().extension() == ".png") bytes += read_file(image.path());
    return bytes;
  }
  std::string sample(const std::vector<std::string>& options) const {
    const auto out = folder_.path() / "out";
    std::vector<std::string> arguments{"sample",
                                       "--checkpoint",
                                       kLcm,
                                       "--sampler",
                                       "lcm",
                                       "--steps",
                                       "4",
                                       "--omega",
                                       "1",
                                       "--seed",
                                       "9",
                                       "--prompt",
                                       "a large red circle on a blue background",
                                       "-o",
                                       out,
                                       "--force",
                                       "--device",
                                       "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished finished = run_program("fewstep", arguments);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return read_file(out / "00000.png");
  }

  TemporaryFolder folder_;
};

TEST_F(OwnGrid, MakesTheSameImageInRunAndSample) {
  const std::string image = run("");
  ASSERT_FALSE(image.empty());
  EXPECT_EQ(sample({}), image);
  EXPECT_EQ(sample({"--original-steps", "10"}), image);
  const std::string other = run("original_inference_steps = [50]\n");
  EXPECT_NE(other, image);
  EXPECT_EQ(sample({"--original-steps", "50"}), other);
}

TEST_F(OwnGrid, IsToldByInspect) {
  const Finished finished = run_program("fewstep", {"inspect", kLcm, "--json"});
  EXPECT_EQ(json::parse(finished.out).at("original_inference_steps"), 10);
  const Finished teacher =
      run_program("fewstep", {"inspect", std::string(FEWSTEP_SOURCE_DIR) + "/pocket/teacher", "--json"});
  EXPECT_FALSE(json::parse(teacher.out).contains("original_inference_steps"));
}

TEST_F(OwnGrid, IsLimitedAndOfLcmAlone) {
  const auto refused = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"sample", "--checkpoint",          kLcm,       "--omega", "1", "--prompt", "x",
                                       "-o",     folder_.path() / "none", "--device", "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished finished = run_program("fewstep", arguments);
    EXPECT_EQ(finished.code, 2) << finished.err;
    return finished.err;
  };
  EXPECT_NE(refused({"--sampler", "lcm", "--steps", "12"}).find("original_inference_steps = 10, got 12"),
            std::string::npos);
  EXPECT_NE(
      refused({"--sampler", "ddim", "--original-steps", "10"}).find("expected it with lcm alone, got it with ddim"),
      std::string::npos);
}

}  // namespace
}  // namespace fewstep
