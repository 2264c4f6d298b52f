// An image does not depend on how the run was cut, and where rounding differs all the same, work goes on.
#include "harness/generate/regenerated.h"
#include "harness/small_experiment.h"
#include "images/files.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;
using testing::Not;

Image ramp(int height, int width, int step = 0) {
  Image image{height, width, {}};
  for (int i = 0; i < height * width * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(i * 7 + step));
  return image;
}

class CutRuns : public testing::Test {
 protected:
  CutRuns() {
    for (SmallExperiment* one : {&small_, &other_}) {
      one->captions = 40;
      one->steps = "[1, 2]";
      one->metrics = fd_pocket_;
      one->more = "[images]\nheight = 32\nwidth = 32\n[reference]\nbuiltin = \"shapes\"\ncount = 50\n";
    }
  }
  // One that adds a metric, with or without the first one.
  std::string with_clip(bool keep_first) const {
    return (keep_first ? fd_pocket_ : "") + "[[metric]]\nname = \"clip-score\"\nmodel = \"" + small_.golden +
           "/metrics/clip-tiny\"\n";
  }
  // Changes a stored image's hash, as another machine's rounding would.
  static void change_hashes(const std::filesystem::path& store) {
    SQLite::Database database(store.string(), SQLite::OPEN_READWRITE);
    database.exec("UPDATE sample SET image_sha256 = replace(image_sha256, substr(image_sha256, 1, 2), 'ff')");
  }
  static std::int64_t number(const std::filesystem::path& store, const std::string& query) {
    SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
    return database.execAndGet("SELECT " + query).getInt64();
  }

  SmallExperiment small_, other_;
  std::string fd_pocket_ =
      "[[metric]]\nname = \"fd-pocket\"\nmodel = \"" + small_.golden + "/feature_net/five_layers\"\n";
};

// The first things that people type.
TEST_F(CutRuns, OneThenSixteenThenAllThenAnotherMetricAllEndWithZero) {
  const Finished one = small_.run({"--limit", "1"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("not given"));
  EXPECT_THAT(one.out, HasSubstr("[1] not given: it needs at least 2 images"));
  EXPECT_EQ(small_.run({"--limit", "16"}).code, 0);
  EXPECT_EQ(small_.run().code, 0);
  small_.metrics = with_clip(true);
  const Finished added = small_.run();
  EXPECT_EQ(added.code, 0) << added.err;
  const auto report = small_.report();
  for (const auto& cell : report.at("cells")) {
    EXPECT_EQ(cell.at("state"), "complete");
    for (const char* metric : {"fd-pocket", "clip-score"}) EXPECT_EQ(cell.at("metrics").at(metric).at("images"), 40);
  }
}

TEST_F(CutRuns, GoOnWithTheSameBatchesAndGiveTheSameBits) {
  ASSERT_EQ(small_.run({"--batch", "8"}).code, 0);
  for (const char* limit : {"8", "16", "24"}) ASSERT_EQ(other_.run({"--batch", "8", "--limit", limit}).code, 0);
  ASSERT_EQ(other_.run({"--batch", "8"}).code, 0);
  const auto a = small_.report(), b = other_.report();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(a.at("cells").at(i).at("metrics"), b.at("cells").at(i).at("metrics"));
}

TEST_F(CutRuns, AddAMetricWhereStoredRowsSayThatTheImagesAreTheSame) {
  ASSERT_EQ(small_.run().code, 0);
  change_hashes(small_.store());
  small_.metrics = with_clip(true);
  const Finished added = small_.run({"--batch", "7"});
  ASSERT_EQ(added.code, 0) << added.err;
  EXPECT_THAT(added.out, HasSubstr("recomputed: 40 images were made again"));
  EXPECT_EQ(number(small_.store(), "count(*) FROM sample WHERE image_sha256 LIKE 'ff%'"), 80) << "the old rows stay";
  EXPECT_EQ(number(small_.store(), "count(*) FROM sample_metric WHERE recomputed"), 80);
  EXPECT_EQ(number(small_.store(), "count(*) FROM sample_feature WHERE recomputed"), 0);
}

TEST_F(CutRuns, AddAMetricByTheFingerprintWhereNoRowsCanBeCompared) {
  ASSERT_EQ(small_.run().code, 0);
  change_hashes(small_.store());
  small_.metrics = with_clip(false);
  EXPECT_EQ(small_.run({"--batch", "7"}).code, 0);

  ASSERT_EQ(other_.run().code, 0);
  change_hashes(other_.store());
  SQLite::Database(other_.store().string(), SQLite::OPEN_READWRITE).exec("UPDATE sample SET fingerprint = NULL");
  other_.metrics = with_clip(false);
  const Finished older = other_.run();
  EXPECT_EQ(older.code, 13) << "rows of an older version have no fingerprint";
  EXPECT_THAT(older.err, HasSubstr("another program or machine made it"));
}

TEST_F(CutRuns, AddAMetricByTheKeptImage) {
  small_.more += "keep = true\n";
  small_.more = "[images]\nheight = 32\nwidth = 32\nkeep = true\n[reference]\nbuiltin = \"shapes\"\ncount = 50\n";
  ASSERT_EQ(small_.run({"--limit", "3"}).code, 0);
  // A kept image that is a level off in one value, under its own hash.
  std::string path;
  {
    SQLite::Database database(small_.store().string(), SQLite::OPEN_READWRITE);
    path = database.execAndGet("SELECT image_path FROM sample ORDER BY id LIMIT 1").getString();
    const auto file = small_.store().parent_path() / path;
    Image image = read_image(file);
    image.rgb[100] = static_cast<std::uint8_t>(image.rgb[100] ^ 1);
    write_png(file, image);
    SQLite::Statement update(database, "UPDATE sample SET image_sha256 = ? WHERE image_path = ?");
    update.bind(1, image_hash(image));
    update.bind(2, path);
    update.exec();
  }
  small_.metrics = with_clip(true);
  const Finished added = small_.run({"--limit", "3"});
  ASSERT_EQ(added.code, 0) << added.err;
  EXPECT_EQ(number(small_.store(), "count(*) FROM sample_metric WHERE recomputed"), 1);
  EXPECT_EQ(read_image(small_.store().parent_path() / path).rgb.size(), 32u * 32 * 3) << "the kept image stays";
}

TEST_F(CutRuns, RefuseImagesOfAnotherModelUnderTheSameName) {
  ASSERT_EQ(small_.run().code, 0);
  {
    SQLite::Database database(small_.store().string(), SQLite::OPEN_READWRITE);
    database.exec("UPDATE sample SET image_sha256 = 'ff', fingerprint = zeroblob(192)");
  }
  small_.metrics = with_clip(false);
  const Finished added = small_.run();
  EXPECT_EQ(added.code, 13);
  EXPECT_THAT(added.err, HasSubstr("another program or machine made it"));
}

TEST_F(CutRuns, ShowAFloorOfHeldOutReferenceImagesOnRequest) {
  small_.more = "[images]\nheight = 32\nwidth = 32\n[reference]\nbuiltin = \"shapes\"\ncount = 50\nfloor = true\n";
  const Finished finished = small_.run();
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("\nfloor [2] "));
  EXPECT_THAT(finished.out, HasSubstr("floor: 40 held-out reference images against the other ones"));
  const auto floor = small_.report().at("floors").at(0);
  EXPECT_EQ(floor.at("metric"), "fd-pocket");
  EXPECT_EQ(floor.at("images"), 40);
  EXPECT_LT(floor.at("value").get<double>(),
            small_.report().at("cells").at(0).at("metrics").at("fd-pocket").at("value").get<double>());
  const Finished again = small_.run();
  EXPECT_THAT(again.err, Not(HasSubstr("floor: features"))) << "it is stored";
}

TEST_F(CutRuns, ShowAFloorOfAFolderThatHasEnoughImages) {
  const auto reference = small_.folder.path() / "reference";
  std::filesystem::create_directories(reference);
  for (int i = 0; i < 45; ++i) write_png(reference / (std::to_string(i) + ".png"), ramp(32, 32, 3 * i));
  small_.more =
      "[images]\nheight = 32\nwidth = 32\n[reference]\nimages = \"" + reference.string() + "\"\nfloor = true\n";
  ASSERT_EQ(small_.run().code, 0);
  EXPECT_GT(small_.report().at("floors").at(0).at("value").get<double>(), 0);
  std::filesystem::remove(reference / "0.png");
  for (int i = 1; i < 5; ++i) std::filesystem::remove(reference / (std::to_string(i) + ".png"));
  const Finished few = small_.run();
  ASSERT_EQ(few.code, 0) << few.err;
  EXPECT_THAT(few.out, HasSubstr("not given: it needs at least 42 reference images"));
}

TEST(Fingerprint, IsTheMeanOfEachPart) {
  Image image{16, 16, std::vector<std::uint8_t>(16 * 16 * 3, 10)};
  for (const int at : {0, 1, 16, 17}) image.rgb[static_cast<std::size_t>(at) * 3 + 1] = 50;  // the first part's green
  const std::string bytes = fingerprint(image);
  ASSERT_EQ(bytes.size(), 192u);
  EXPECT_EQ(bytes[1], 50);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 10), 191);
  for (const auto& [height, width] : {std::pair(1, 1), std::pair(3, 9), std::pair(7, 5), std::pair(100, 33)})
    EXPECT_EQ(fingerprint(ramp(height, width)).size(), 192u) << height << "x" << width;
}

TEST(ImagesAreClose, UpToOneLevelInOneOfAHundredValuesInFloat32) {
  const RoundingBounds bounds = rounding_bounds(at::kFloat);
  const Image image = ramp(32, 32);  // 3,072 values
  Image other = image;
  for (std::size_t i = 0; i < 30; ++i) other.rgb[i * 50] ^= 1;
  EXPECT_TRUE(are_close(image, other, bounds));
  other.rgb[7] ^= 1;
  EXPECT_FALSE(are_close(image, other, bounds)) << "31 of 3,072 values";
  Image two = image;
  two.rgb[5] = static_cast<std::uint8_t>(two.rgb[5] < 128 ? two.rgb[5] + 2 : two.rgb[5] - 2);
  EXPECT_FALSE(are_close(image, two, bounds)) << "two levels";
  EXPECT_FALSE(are_close(image, ramp(32, 31), bounds));
  EXPECT_TRUE(are_close(fingerprint(image), fingerprint(two), bounds));
  EXPECT_FALSE(are_close(fingerprint(image), fingerprint(Image{32, 32, std::vector<std::uint8_t>(3072)}), bounds));
}

}  // namespace
}  // namespace fewstep
