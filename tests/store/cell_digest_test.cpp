#include "store/cell_digest.h"

#include "filled_store.h"
#include "store/database.h"
#include "store/read.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

// Ten prompts with an image each; fingerprint and trips as given.
class DigestedCell : public testing::Test {
 protected:
  void add(std::vector<SampleRow> samples) {
    filled_.store.add_batch(filled_.run, filled_.series, samples, {});
    for (const SampleRow& sample : samples) rows_.push_back(sample.prompt_row);
  }
  static SampleRow sample(std::int64_t row, int level) {
    SampleRow one = sample_row(row);
    one.fingerprint = std::string(192, static_cast<char>(level));
    one.latents = 0x8000000000000000u + static_cast<std::uint64_t>(row);
    one.trips = 0;
    return one;
  }
  CellDigest digest() {
    filled_.store.set_cell(filled_.run, filled_.series, 0, CellState::kComplete,
                           static_cast<std::int64_t>(rows_.size()));
    digest_cell(filled_.store, filled_.run, 0, filled_.series, rows_, 1);
    return read_table(filled_.store).cells.at(0).digest;
  }

  TemporaryFolder folder_;
  FilledStore filled_{folder_.path() / "a.sqlite"};
  std::vector<std::int64_t> rows_;
};

TEST_F(DigestedCell, TripsNothingWhereImagesDiffer) {
  std::vector<SampleRow> samples;
  for (int row = 0; row < 10; ++row) samples.push_back(sample(row, 3 * row));
  add(samples);
  const CellDigest first = digest();
  ASSERT_TRUE(first.tripped);
  EXPECT_TRUE(first.tripped->empty());
  EXPECT_EQ(first.latents_sha256.size(), 64u);
  EXPECT_EQ(digest().images_sha256, first.images_sha256);
}

TEST_F(DigestedCell, TripsEqualBitsUnderDifferentTexts) {
  std::vector<SampleRow> samples;
  for (int row = 0; row < 10; ++row) samples.push_back(sample(row, 20 * row));
  samples[7].image_sha256 = samples[2].image_sha256;
  add(samples);
  EXPECT_EQ(digest().tripped, (std::map<std::string, std::int64_t>{{"same", 2}}));
  filled_.store.impl().database.exec("UPDATE prompt SET text = 'one' WHERE row IN (2, 7)");
  EXPECT_TRUE(digest().tripped->empty()) << "of one text they may be equal";
}

TEST_F(DigestedCell, TripsImagesThatAreNearlyOneUnderMoreThanHalfOfThePrompts) {
  std::vector<SampleRow> samples;
  for (int row = 0; row < 10; ++row) samples.push_back(sample(row, row < 5 ? 100 + row % 3 : 20 * (row - 5)));
  add(samples);
  EXPECT_TRUE(digest().tripped->empty()) << "half";
  filled_.store.impl().database.exec(
      "UPDATE sample SET fingerprint = (SELECT fingerprint FROM sample WHERE id = 1) "
      "WHERE id = 10");
  EXPECT_EQ(digest().tripped, (std::map<std::string, std::int64_t>{{"same", 6}}));
  EXPECT_EQ(digest().tripped, (std::map<std::string, std::int64_t>{{"same", 6}})) << "again";
}

TEST_F(DigestedCell, CountsWhatImagesTripAlone) {
  std::vector<SampleRow> samples;
  for (int row = 0; row < 10; ++row) samples.push_back(sample(row, 20 * row));
  samples[0].trips = kOneColour;
  samples[1].trips = samples[2].trips = kNoise;
  add(samples);
  EXPECT_EQ(digest().tripped, (std::map<std::string, std::int64_t>{{"noise", 2}, {"one-colour", 1}}));
}

TEST_F(DigestedCell, SaysThatNobodyLookedAtImagesOfOlderStores) {
  std::vector<SampleRow> samples;
  for (int row = 0; row < 10; ++row) samples.push_back(sample(row, 20 * row));
  samples[4].trips.reset();
  samples[5].latents.reset();
  add(samples);
  EXPECT_FALSE(digest().tripped);
  EXPECT_EQ(digest().latents_sha256, "");
}

TEST_F(DigestedCell, HashesTextsOfPrompts) {
  add({sample(0, 0), sample(1, 50)});
  const std::string before = digest().prompts_sha256;
  filled_.store.impl().database.exec("UPDATE prompt SET text = 'another' WHERE row = 1");
  EXPECT_NE(digest().prompts_sha256, before);
}

}  // namespace
}  // namespace fewstep
