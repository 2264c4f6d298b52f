#include "store/influence.h"

#include "filled_store.h"
#include "metrics/clustered_error.h"
#include "store/database.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

class InfluenceRows : public testing::Test {
 protected:
  InfluenceRows() {
    filled_.add_batch(0, 10);
    filled_.store.set_cell(filled_.run, filled_.series, 0, CellState::kComplete, 10);
    for (std::int64_t row = 0; row < 10; ++row) prompts_.push_back(row);
    cell_.series_id = filled_.series;
    cell_.expected_images = 10;
  }
  StoredScore score(double value, std::int64_t count = 10) const {
    return {{"fid", "pytorch-fid", std::string(64, '2'), 1, false}, "reference", {value, 1, count, {}}};
  }
  void write(const std::vector<double>& values, bool groups = false) {
    replace_influence(filled_.store, filled_.series, score(0).metric, "reference",
                      std::span(prompts_).first(values.size()), {values, groups});
  }

  TemporaryFolder folder_;
  FilledStore filled_{folder_.path() / "a.sqlite"};
  std::vector<std::int64_t> prompts_;
  StoredCell cell_;
};

TEST_F(InfluenceRows, AreReadAsTheyWereWrittenForTheImagesOfTheScoreAlone) {
  const std::vector<double> values{1, -1, 2, -2, 3, -3, 4, -4, 5, -5};
  write(values);
  const auto read = read_influence(filled_.store, cell_, score(12));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->groups);
  EXPECT_EQ(read->prompts, prompts_);
  EXPECT_EQ(read->of_unit, values);
  EXPECT_FALSE(read_influence(filled_.store, cell_, score(12, 9))) << "of other images";
  StoredScore other = score(12);
  other.reference_hash = "another";
  EXPECT_FALSE(read_influence(filled_.store, cell_, other)) << "of another reference";
}

TEST_F(InfluenceRows, AreReplacedByThoseOfAnotherNumberOfImages) {
  write({1, -1, 2, -2, 3, -3, 4, -4, 5, -5});
  write({1, 2, -3}, true);
  EXPECT_FALSE(read_influence(filled_.store, cell_, score(12)));
  const auto read = read_influence(filled_.store, cell_, score(12, 3));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->groups);
  EXPECT_EQ(read->of_unit, (std::vector<double>{1, 2, -3}));
  EXPECT_EQ(filled_.store.impl().database.execAndGet("SELECT count(*) FROM sample_metric").getInt(), 10 + 3)
      << "10 rows of CLIP score";
}

TEST_F(InfluenceRows, NeedNoneWhereTheMetricHasOneNumberAnImage) {
  StoredScore clip{{"clip-score", "transformers", std::string(64, '1'), 1, true}, "", {4.5, 1, 10, {}}};
  const auto read = read_influence(filled_.store, cell_, clip);  // FilledStore's values are 0…9
  ASSERT_TRUE(read);
  EXPECT_EQ(read->of_unit.front(), -4.5);
  EXPECT_EQ(read->of_unit.back(), 4.5);
  clip.score = {1.5, 1, 4, {}};  // of the first four images
  EXPECT_EQ(read_influence(filled_.store, cell_, clip)->of_unit, (std::vector<double>{-1.5, -0.5, 0.5, 1.5}));
  clip.score.value = 3;
  EXPECT_FALSE(read_influence(filled_.store, cell_, clip)) << "the rows are not those of the score";
}

TEST_F(InfluenceRows, GiveAPairedStandardError) {
  const UnitInfluence a{false, {1, 2, 3}, {3, 1, -4}}, b{false, {1, 2, 3}, {2, 2, -4}};
  const auto difference = paired_difference(score(10), a, score(8), b);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->value, 2);
  EXPECT_DOUBLE_EQ(difference->standard_error, std::sqrt(2.0 / 6));  // sqrt(Σd² / (n (n−1))), d = 1, −1, 0
  EXPECT_FALSE(paired_difference(score(10), a, score(8), {true, {1, 2, 3}, {2, 2, -4}})) << "groups are no prompts";
  EXPECT_FALSE(paired_difference(score(10), a, score(8), {false, {1, 2, 4}, {2, 2, -4}})) << "other prompts";
}

}  // namespace
}  // namespace fewstep
