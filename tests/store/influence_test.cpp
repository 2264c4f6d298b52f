#include "store/influence.h"

#include "core/files.h"
#include "filled_store.h"
#include "metrics/clustered_error.h"
#include "store/cell_digest.h"
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
    digest_cell(filled_.store, filled_.run, 0, filled_.series, prompts_, 1);
  }
  StoredScore score(double value, std::int64_t count = 10) const {
    return {{"fid", "pytorch-fid", std::string(64, '2'), 1, false}, "reference", {value, 1, count, {}}};
  }
  void write(const std::vector<double>& values, bool groups = false) {
    const auto count = static_cast<std::int64_t>(values.size());
    filled_.store.add_score(filled_.run, filled_.series, filled_.fid, "reference", score(12, count).score);
    set_influence(filled_.store, filled_.run, filled_.series, filled_.fid, "reference",
                  std::span(prompts_).first(values.size()), {values, groups});
  }
  StoredCell cell() { return read_table(filled_.store).cells.at(0); }

  TemporaryFolder folder_;
  FilledStore filled_{folder_.path() / "a.sqlite"};
  std::vector<std::int64_t> prompts_;
};

TEST_F(InfluenceRows, AreReadAsTheyWereWrittenWithTheirScore) {
  const std::vector<double> values{1, -1, 2, -2, 3, -3, 4, -4, 5, -5};
  write(values);
  const StoredCell stored = cell();
  const auto read = read_influence(filled_.store, stored, stored.scores.at(0));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->groups);
  EXPECT_EQ(read->prompts_sha256, stored.digest.prompts_sha256);
  EXPECT_EQ(read->of_unit, values);
  EXPECT_FALSE(read_influence(filled_.store, stored, score(12))) << "of another score";
}

TEST_F(InfluenceRows, AreReplacedWithTheirScore) {
  write({1, -1, 2, -2, 3, -3, 4, -4, 5, -5});
  write({1, 2, -3}, true);
  const StoredCell stored = cell();
  const auto read = read_influence(filled_.store, stored, stored.scores.at(0));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->groups);
  EXPECT_EQ(read->of_unit, (std::vector<double>{1, 2, -3}));
}

TEST_F(InfluenceRows, ThatAreNoFiniteNumbersAreADamagedStore) {
  write({1, -1, 2, -2, 3, -3, 4, -4, 5, -5});
  for (const char* blob : {"x'000000000000f07f'", "x'0102'", "'text'", "x''"}) {
    filled_.store.impl().database.exec("PRAGMA ignore_check_constraints = 1");
    try {
      filled_.store.impl().database.exec(std::string("UPDATE score SET influence = ") + blob);
    } catch (const SQLite::Exception&) {
      continue;  // a STRICT table refuses text
    }
    const StoredCell stored = cell();
    EXPECT_FEWSTEP_ERROR(read_influence(filled_.store, stored, stored.scores.at(0)), ExitCode::kInput, "influences");
  }
}

TEST_F(InfluenceRows, OfVersionThreeAreReadAsTheyWere) {
  const auto metric = filled_.store.add_metric(
      {"fid:influence", "pytorch-fid", sha256(std::string(64, '2') + "\nreference"), 1, false});
  filled_.store.impl().database.exec("INSERT INTO sample_metric (sample_id, metric_id, value) SELECT id, " +
                                     std::to_string(metric) + ", id - 5.5 FROM sample");
  const auto read = read_influence(filled_.store, cell(), score(12));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->of_unit.front(), -4.5);
  EXPECT_EQ(read->prompts_sha256, cell().digest.prompts_sha256);
  EXPECT_FALSE(read_influence(filled_.store, cell(), score(12, 9))) << "of other images";
}

TEST_F(InfluenceRows, NeedNoneWhereTheMetricHasOneNumberAnImage) {
  StoredScore clip{{"clip-score", "transformers", std::string(64, '1'), 1, true}, "", {4.5, 1, 10, {}}};
  const auto read = read_influence(filled_.store, cell(), clip);  // FilledStore's values are 0…9
  ASSERT_TRUE(read);
  EXPECT_EQ(read->of_unit.front(), -4.5);
  EXPECT_EQ(read->of_unit.back(), 4.5);
  clip.score = {1.5, 1, 4, {}};  // of the first four images
  EXPECT_EQ(read_influence(filled_.store, cell(), clip)->of_unit, (std::vector<double>{-1.5, -0.5, 0.5, 1.5}));
  clip.score.value = 3;
  EXPECT_FALSE(read_influence(filled_.store, cell(), clip)) << "the rows are not those of the score";
}

TEST_F(InfluenceRows, GiveAPairedStandardError) {
  const UnitInfluence a{false, "a", {3, 1, -4}}, b{false, "a", {2, 2, -4}};
  const auto difference = paired_difference(score(10), a, score(8), b);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->value, 2);
  EXPECT_DOUBLE_EQ(difference->standard_error, std::sqrt(2.0 / 6));  // sqrt(Σd² / (n (n−1))), d = 1, −1, 0
  EXPECT_FALSE(paired_difference(score(10), a, score(8), {true, "a", {2, 2, -4}})) << "groups are no prompts";
  EXPECT_FALSE(paired_difference(score(10), a, score(8), {false, "b", {2, 2, -4}})) << "other prompts";
}

}  // namespace
}  // namespace fewstep
