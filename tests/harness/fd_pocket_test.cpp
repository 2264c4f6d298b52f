// fd-pocket through run, score and stats, with a network of random weights.
#include "harness/small_experiment.h"
#include "images/files.h"
#include "metrics/hashed_images.h"
#include "metrics/statistics_file.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;
using testing::Not;

class FdPocketProgram : public testing::Test {
 protected:
  FdPocketProgram() {
    for (const auto& [folder, block] : {std::pair(images(), 5), std::pair(reference(), 9)}) {
      std::filesystem::create_directories(folder);
      for (int i = 0; i < 10; ++i) {
        const std::string name = std::to_string(i) + ".png";
        write_png(folder / name, hashed_image(folder.filename().string() + name, 32, 32, block + i % 3));
      }
    }
  }
  std::filesystem::path images() const { return small_.folder.path() / "images"; }
  std::filesystem::path reference() const { return small_.folder.path() / "reference"; }
  std::filesystem::path statistics() const { return small_.folder.path() / "reference.npz"; }

  // Made in the batches of what it is compared with: the last bits of a feature depend on them.
  Finished stats(const std::string& batch = "3") const {
    return run_program("fewstep",
                       {"stats", reference(), "-o", statistics(), "--feature-net", network_, "--batch", batch});
  }
  Finished score(const std::filesystem::path& against, const std::filesystem::path& network) const {
    return run_program("fewstep", {"score", "--images", images(), "--reference", against, "--metric", "fd-pocket",
                                   "--feature-net", network, "--batch", "3", "--json"});
  }

  SmallExperiment small_;
  std::string network_ = small_.golden + "/feature_net/five_layers";
};

TEST_F(FdPocketProgram, ScoresImagesAgainstAFolderAndAgainstItsStatistics) {
  const Finished made = stats();
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("10 images, protocol pocket, 6 features"));
  const StatisticsFile file = read_statistics(statistics());
  EXPECT_EQ(file.protocol, "pocket");
  EXPECT_EQ(file.network.size(), 64u);
  std::vector<nlohmann::json> results;
  for (const auto& against : {reference(), statistics()}) {
    const Finished scored = score(against, network_);
    ASSERT_EQ(scored.code, 0) << scored.err;
    results.push_back(nlohmann::json::parse(scored.out).at("scores").at(0));
    EXPECT_EQ(results.back().at("metric"), "fd-pocket");
    EXPECT_EQ(results.back().at("protocol"), "pocket");
    EXPECT_EQ(results.back().at("images"), 10);
    EXPECT_EQ(results.back().at("flags"), nlohmann::json({"biased-upward"}));
  }
  const double value = results[0].at("value");
  EXPECT_GT(value, 0);
  EXPECT_NEAR(results[1].at("value").get<double>(), value, 1e-9 * value);
}

TEST_F(FdPocketProgram, SaysOfWhatSizesItTookHowMany) {
  EXPECT_THAT(score(reference(), network_).err, HasSubstr("measured 10 images: all of 32x32"));
}

TEST_F(FdPocketProgram, OfOneImageIsNotGiven) {
  for (int i = 1; i < 10; ++i) std::filesystem::remove(images() / (std::to_string(i) + ".png"));
  const Finished finished = score(reference(), network_);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto result = nlohmann::json::parse(finished.out).at("scores").at(0);
  EXPECT_TRUE(result.at("value").is_null());
  EXPECT_EQ(result.at("flags"), nlohmann::json({"needs-2-images"}));
}

TEST_F(FdPocketProgram, AndItsInfinityShareTheirRows) {
  const Finished finished =
      run_program("fewstep", {"score", "--images", images(), "--reference", reference(), "--metric", "fd-pocket",
                              "--metric", "fd-pocket-infinity", "--feature-net", network_, "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto scores = nlohmann::json::parse(finished.out).at("scores");
  EXPECT_GT(scores.at(0).at("value").get<double>(), 0);
  EXPECT_TRUE(scores.at(1).at("value").is_null());
  EXPECT_EQ(scores.at(1).at("flags"), nlohmann::json({"needs-30-images"}));
}

TEST_F(FdPocketProgram, RefusesStatisticsOfAnotherNetworkOrProtocol) {
  ASSERT_EQ(stats().code, 0);
  const auto other = small_.folder.path() / "other";
  std::filesystem::copy(network_, other);
  nlohmann::json config = nlohmann::json::parse(std::ifstream(other / "config.json"));
  config["_note"] = "another network";
  small_.folder.write("other/config.json", config.dump());
  const Finished finished = score(statistics(), other);
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("expected statistics of the network"));

  StatisticsFile file = read_statistics(statistics());
  file.protocol = "pytorch-fid";
  write_statistics(statistics(), file);
  const Finished protocol = score(statistics(), network_);
  EXPECT_EQ(protocol.code, 3);
  EXPECT_THAT(protocol.err, HasSubstr("expected statistics of protocol pocket, got pytorch-fid"));
}

TEST_F(FdPocketProgram, RunsInAnExperimentAndIsNotCalledFid) {
  ASSERT_EQ(stats("16").code, 0);  // run reads a reference folder in batches of 16
  small_.captions = 8;
  small_.steps = "[2]";
  small_.metrics = "[[metric]]\nname = \"fd-pocket\"\nmodel = \"" + network_ + "\"\n";
  small_.more = "[images]\nheight = 32\nwidth = 32\n[reference]\nimages = \"" + reference().string() + "\"\n";
  const Finished finished = small_.run({"--batch", "4"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("FD (pocket) ↓"));
  EXPECT_THAT(run_program("fewstep", {"report", small_.store(), "--full"}).out,
              HasSubstr("FD (pocket): pocket, version 1, model "));
  EXPECT_THAT(finished.out, Not(HasSubstr("FID")));
  const auto result = small_.report().at("cells").at(0).at("metrics").at("fd-pocket");
  const double value = result.at("value");
  EXPECT_GT(value, 0);
  EXPECT_GT(result.at("standard_error").get<double>(), 0);

  const Finished again =
      small_.run({"--batch", "4", "--set", "reference={statistics=\"" + statistics().string() + "\"}"});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto second = small_.report().at("cells").at(0).at("metrics").at("fd-pocket").at("value").get<double>();
  EXPECT_NEAR(second, value, 1e-9 * value);
}

TEST_F(FdPocketProgram, NamesTheSizeThatTheNetworkTakes) {
  write_png(images() / "5.png", hashed_image("large", 40, 32));
  const Finished finished = score(reference(), network_);
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("expected images of 32x32 pixels, the feature network's, got 40x32"));
}

}  // namespace
}  // namespace fewstep
