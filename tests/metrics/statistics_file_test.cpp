#include "metrics/statistics_file.h"

#include "metrics/reference.h"

#include "core/error.h"
#include "core/files.h"
#include "metrics/hashed_images.h"
#include "temporary.h"
#include "warnings.h"

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>

#include <random>

namespace fewstep {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(FEWSTEP_TEST_DATA) / "metrics";

Gaussian expected() {
  FeatureStatistics statistics;
  accumulate(statistics, hashed_rows("statistics", 20, 6), 6);
  return fit(statistics);
}

TEST(StatisticsFile, IsReadAsOtherToolsWriteIt) {
  const Gaussian gaussian = expected();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "npz")) {
    const StatisticsFile file = read_statistics(entry.path());
    const double bound = entry.path().stem() == "float32" || entry.path().stem() == "clean-fid" ? 1e-6 : 1e-13;
    EXPECT_LE((file.gaussian.mean - gaussian.mean).norm(), bound * gaussian.mean.norm()) << entry.path();
    EXPECT_LE((file.gaussian.covariance - gaussian.covariance).norm(), bound * gaussian.covariance.norm())
        << entry.path();
    const bool ours = entry.path().stem() == "ours";
    EXPECT_EQ(file.protocol, ours ? "pytorch-fid" : "");
    EXPECT_EQ(file.gaussian.count, ours ? 20 : 0);
    EXPECT_EQ(file.network.substr(0, 4), ours ? "abab" : "");
    ++files;
  }
  EXPECT_EQ(files, 7);
}

TEST(StatisticsFile, IsRefusedByNameWhereItIsNoStatistics) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "npz-refused")) {
    EXPECT_FEWSTEP_ERROR(read_statistics(entry.path()), ExitCode::kInput, entry.path().filename().string());
    ++files;
  }
  EXPECT_EQ(files, 25);
}

TEST(StatisticsFile, UnderOtherNamesIsRefusedWithTheLineThatRenamesIt) {
  const auto refused = [](const char* name, const char* text) {
    EXPECT_FEWSTEP_ERROR(read_statistics(kFolder / "npz-refused" / name), ExitCode::kInput, text);
  };
  refused("mean-cov.npz", "np.savez('renamed.npz', mu=a['mean'], sigma=a['cov'])");
  refused("m-s.npz", "mu=a['m'], sigma=a['s'])");
  refused("mu1-sigma1.npz", "mu=a['mu1'], sigma=a['sigma1'])");
  refused("object.npz", "arr_0 is a pickled object");
  refused("images.npz", "these are images");
  refused("torch-fidelity.pt", "it is a pickle of PyTorch");
}

TEST(StatisticsFile, SurvivesARoundTripAndIsTheSameBytes) {
  const TemporaryFolder folder;
  StatisticsFile file{expected(), "clean-fid", std::string(64, 'a')};
  const auto path = folder.path() / "a.npz", again = folder.path() / "b.npz";
  write_statistics(path, file);
  write_statistics(again, file);
  EXPECT_EQ(read_file(path), read_file(again));
  const StatisticsFile read = read_statistics(path);
  EXPECT_EQ(read.gaussian.mean, file.gaussian.mean);
  EXPECT_EQ(read.gaussian.covariance, file.gaussian.covariance);
  EXPECT_EQ(read.gaussian.count, 20);
  EXPECT_EQ(read.protocol, "clean-fid");
  EXPECT_EQ(read.network, std::string(64, 'a'));
  EXPECT_FEWSTEP_ERROR(write_statistics("/nowhere/x.npz", file), ExitCode::kEnvironment, "/nowhere/x.npz");
}

TEST(StatisticsFile, MutatedOrCutIsReadOrRefusedAndNothingElse) {
  const TemporaryFolder folder;
  std::mt19937 random(20231006);
  const int rounds = std::getenv("FEWSTEP_TORTURE") ? 20'000 : 400;
  int refused = 0;
  for (const char* name : {"ours.npz", "pytorch-fid.npz"}) {
    const std::string whole = read_file(kFolder / "npz" / name);
    for (int round = 0; round < rounds; ++round) {
      std::string bytes = whole;
      for (unsigned n = random() % 4; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 3 == 0) bytes.resize(random() % bytes.size());
      const auto path = folder.write("mutated.npz", bytes);
      try {
        EXPECT_TRUE(read_statistics(path).gaussian.covariance.allFinite());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, rounds / 2);
}

TEST(Reference, WhoseCacheCannotBeMadeIsMadeAllTheSame) {
  const TemporaryFolder folder;
  folder.write("file", "");
  OpenMetric metric{&find_metric("fd-pocket"), {"fd-pocket", "pocket", ""}, {}};
  metric.measure.width = 1;
  metric.measure.prepare = [](const Image&) { return at::ones({1, 1}); };
  metric.measure.run = [](const Tensor& prepared, auto) { return to_rows(prepared); };
  const ImageBatches two = [](const auto& use) { use(std::vector<Image>(2)); };
  const Warnings warnings;
  const ReferenceData data = reference_from_batches("hash", metric, folder.path() / "file/cache", two).data;
  EXPECT_EQ(kGaussianReference.count(data), 2);
  EXPECT_THAT(warnings.text(), testing::HasSubstr("its statistics are not kept for the next command"));
}

}  // namespace
}  // namespace fewstep
