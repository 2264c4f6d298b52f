// A feature file that is gone is an image that was not measured.
#include "core/error.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/read.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

class FeaturesThatAreGone : public testing::Test {
 protected:
  FeaturesThatAreGone() {
    filled_.add_batch(0, 3);
    first_ = features();
    filled_.add_batch(3, 4);
  }
  // The one file that is there, or the newer one of two.
  fs::path features() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(features_folder(path_)))
      if (entry.path() != first_) newest = entry.path();
    return newest;
  }
  std::size_t measured(std::vector<std::int64_t> metrics) {
    return filled_.store.finished(filled_.series, metrics).size();
  }
  std::vector<float> first_column() {
    const std::vector<std::int64_t> all{0, 1, 2, 3, 4, 5, 6};
    const auto rows = filled_.store.rows(filled_.series, filled_.fid, all, 1);
    std::vector<float> column;
    for (std::size_t i = 0; i < rows.values.size(); i += 3) column.push_back(rows.values[i]);
    return column;
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "a.sqlite", first_;
  FilledStore filled_{path_};
};

TEST_F(FeaturesThatAreGone, AreMissingForTheirMetricAlone) {
  fs::remove(first_);
  EXPECT_EQ(measured({filled_.fid}), 4u);
  EXPECT_EQ(measured({filled_.clip, filled_.fid}), 4u);
  EXPECT_EQ(measured({filled_.clip}), 7u);
  EXPECT_EQ(measured({}), 7u);
  fs::remove_all(features_folder(path_));
  EXPECT_EQ(measured({filled_.fid}), 0u);
  EXPECT_EQ(measured({filled_.clip}), 7u);
  EXPECT_TRUE(filled_.store.row_of(filled_.series, filled_.fid, 1, 0).empty());
  EXPECT_FEWSTEP_ERROR(first_column(), ExitCode::kInput, "copy the folder a.features beside a.sqlite");
}

TEST_F(FeaturesThatAreGone, AreStoredAgainByTheSameBatches) {
  fs::remove_all(features_folder(path_));
  filled_.add_batch(0, 3);
  filled_.add_batch(3, 4);
  EXPECT_EQ(measured({filled_.clip, filled_.fid}), 7u);
  EXPECT_THAT(first_column(), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(check_features(filled_.store), 2);
}

TEST_F(FeaturesThatAreGone, AreStoredAgainByOtherBatchesBesideThoseThatAreThere) {
  fs::remove(first_);
  filled_.add_batch(2, 3);  // the third image again, and two whose features are there
  filled_.add_batch(0, 2);
  EXPECT_EQ(measured({filled_.clip, filled_.fid}), 7u);
  EXPECT_THAT(first_column(), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(check_features(filled_.store), 3) << "of the block that is gone no row is left";
}

}  // namespace
}  // namespace fewstep
