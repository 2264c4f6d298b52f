// A run whose store lost some of its files, or is where a store cannot be.
#include "harness/small_experiment.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <cstdlib>

namespace fewstep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class StoreFiles : public testing::Test {
 protected:
  StoreFiles() {
    const std::string network = "\nmodel = \"" + small_.golden + "/feature_net/five_layers\"\n";
    small_.metrics += "[[metric]]\nname = \"fd-pocket\"" + network;
    small_.more = "[images]\nheight = 32\nwidth = 32\nkeep = true\n[reference]\nbuiltin = \"shapes\"\ncount = 50\n";
  }
  fs::path beside(const std::string& extension) const { return fs::path(small_.store()).replace_extension(extension); }
  std::function<void()> without_locks(int error) const {
    return [this, error] {
      ::setenv("LD_PRELOAD", FEWSTEP_BINARY_DIR "/libfewstep_faults.so", 1);
      ::setenv("FAULTS_KIND", "nolock", 1);
      ::setenv("FAULTS_AT", std::to_string(error).c_str(), 1);
      ::setenv("FAULTS_FOLDER", small_.folder.path().c_str(), 1);
    };
  }
  // The cells with all digits, whichever run has them.
  std::string cells() const {
    nlohmann::json cells = small_.report().at("cells");
    for (auto& cell : cells) cell.erase("run");
    return cells.dump();
  }

  SmallExperiment small_;
};

TEST_F(StoreFiles, FeaturesThatAreGoneAreMadeAgainByTheSameRun) {
  ASSERT_EQ(small_.run().code, 0);
  const std::string before = cells();
  fs::remove_all(beside(".features"));
  EXPECT_EQ(cells(), before) << "a report needs none";
  const Finished again = small_.run();
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(cells(), before);
  EXPECT_FALSE(fs::is_empty(beside(".features")));
}

TEST_F(StoreFiles, OneFileOfFeaturesThatIsGoneIsMadeAgainAlone) {
  ASSERT_EQ(small_.run({"--batch", "2"}).code, 0);
  const std::string before = cells();
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(beside(".features"))) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 6u);
  fs::remove(files[1]);
  const Finished again = small_.run({"--batch", "2"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(cells(), before);
  EXPECT_TRUE(fs::exists(files[1]));
  EXPECT_THAT(again.err, HasSubstr(" of 2 decodes")) << "two images of twelve, once";
}

TEST_F(StoreFiles, WithoutFeaturesAndImagesTheRunIsWholeAgain) {
  ASSERT_EQ(small_.run().code, 0);
  const std::string before = cells();
  for (const char* folder : {".features", ".images", ".references"}) fs::remove_all(beside(folder));
  EXPECT_EQ(small_.run().code, 0);
  EXPECT_EQ(cells(), before);
}

TEST_F(StoreFiles, ARunThatFailsBeforeItStoresAnythingIsNotTheTable) {
  ASSERT_EQ(small_.run().code, 0);
  const std::string before = cells();
  fs::remove_all(beside(".features"));
  small_.folder.write("small.features", "a file where the folder has to be");
  const Finished failed = small_.run();
  EXPECT_EQ(failed.code, 4) << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("small.features"));
  EXPECT_EQ(cells(), before);
  const Finished report = run_program("fewstep", {"report", small_.store()});
  EXPECT_THAT(report.out, HasSubstr("run 1, complete"));
  EXPECT_THAT(report.err, HasSubstr("run 2 (small: failed) added nothing, so this is run 1"));
  const Finished asked = run_program("fewstep", {"report", small_.store().string() + "#2"});
  EXPECT_THAT(asked.out, HasSubstr("run 2, failed"));
}

TEST_F(StoreFiles, OnAFileSystemWithoutLocksAreRefusedWithACure) {
  const Finished finished = small_.run({}, without_locks(ENOLCK));
  EXPECT_EQ(finished.code, 4) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("expected a file system with locks"));
  EXPECT_THAT(finished.err, HasSubstr("put the store on a local disk: --store"));
  EXPECT_THAT(finished.err, Not(HasSubstr("another program")));
  EXPECT_LT(finished.seconds, 9) << "SQLite waits for ten seconds";
}

TEST_F(StoreFiles, OnAFileSystemWithoutLocksAreReadWhereNoRunWrites) {
  ASSERT_EQ(small_.run().code, 0);
  const Finished report = run_program("fewstep", {"report", small_.store()}, without_locks(EOPNOTSUPP));
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("run 1, complete"));
  small_.folder.write("small.sqlite-wal", std::string(100, 'x'));  // a log that is none, and nothing is in it
  const Finished refused = run_program("fewstep", {"report", small_.store()}, without_locks(EOPNOTSUPP));
  EXPECT_EQ(refused.code, 4) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("expected a file system with locks"));
}

}  // namespace
}  // namespace fewstep
