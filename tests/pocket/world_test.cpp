// The shipped pocket world is whole: trained by its own recipes, and its reference statistics are those of the scenes.
#include "harness/program.h"
#include "metrics/statistics_file.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <cstdio>

namespace fewstep {
namespace {

TEST(PocketWorld, IsTrainedByTheRecipesBesideIt) {
  const TemporaryFolder cache;
  const std::string pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
  for (const std::string part : {"vae", "clip", "features", "teacher", "lcm", "guided-distill"}) {
    const Finished finished = run_program("fewstep", {"distill", pocket + "/recipes/" + part + ".toml", "--device",
                                                      "cpu", "--set", "data.cache=" + cache.path().string()});
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(finished.err, testing::HasSubstr(pocket + "/" + part + " is trained by this recipe already"));
  }
}

TEST(PocketReference, IsThatOfTheBuiltInScenes) {
  const TemporaryFolder folder;
  const std::string root = FEWSTEP_SOURCE_DIR;
  const Finished finished = run_program(
      "fewstep", {"run", root + "/experiments/pocket.toml", "--store", folder.path() / "pocket.sqlite", "--device",
                  "cpu", "--limit", "2", "--only", "sampler=ddim steps=1", "--set", "timing.repetitions=1", "--set",
                  "reference={builtin=\"shapes\",split=\"test\",count=4000}"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  std::filesystem::path made;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "pocket.references"))
    made = entry.path();
  const StatisticsFile ours = read_statistics(made), shipped = read_statistics(root + "/pocket/reference.npz");
  EXPECT_EQ(ours.network, shipped.network);
  EXPECT_EQ(ours.protocol, shipped.protocol);
  EXPECT_EQ(ours.gaussian.count, 4000);
  const auto& a = ours.gaussian;
  const auto& b = shipped.gaussian;
  // A feature is right to 1e-6 of the largest (float32 through six layers), a covariance to twice that.
  const double mean = (a.mean - b.mean).cwiseAbs().maxCoeff() / b.mean.cwiseAbs().maxCoeff(),
               spread = (a.covariance - b.covariance).cwiseAbs().maxCoeff() / b.covariance.cwiseAbs().maxCoeff();
  std::printf("mean %.1e (bound 1e-6), covariance %.1e (bound 2e-6)\n", mean, spread);
  EXPECT_LE(mean, 1e-6);
  EXPECT_LE(spread, 2e-6);
}

}  // namespace
}  // namespace fewstep
