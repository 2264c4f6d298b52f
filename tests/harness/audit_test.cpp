// fewstep audit finds what is not what the experiment makes.
#include "harness/generate/generate.h"
#include "harness/small_experiment.h"
#include "images/files.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <fstream>

namespace fewstep {
namespace {

using testing::HasSubstr;
using testing::Not;

class Audit : public testing::Test {
 protected:
  Audit() {
    small_.captions = 8;
    small_.checkpoints = small_.checkpoint("sd15", "ddim\", \"dpm++") + small_.checkpoint("lcm", "lcm");
    small_.steps = "[1, 2]";
    small_.more = "[images]\nkeep = 2\n";
    EXPECT_EQ(small_.run({"--batch", "2"}).code, 0);
  }
  Finished audit(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments{"audit", small_.store(), "--device", "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments);
  }
  void change(const std::string& sql) const {
    SQLite::Database(small_.store().string(), SQLite::OPEN_READWRITE).exec(sql);
  }

  SmallExperiment small_;
};

TEST_F(Audit, OfAnUntouchedStoreFindsEverythingEqual) {
  const auto before = std::filesystem::last_write_time(small_.store());
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("pictures: 12 compared, 12 equal\n"));
  EXPECT_THAT(finished.out, HasSubstr("scores: 6 compared, 6 equal\n"));
  EXPECT_THAT(finished.out, HasSubstr("images made again: 48 compared, 48 equal\n"));
  EXPECT_EQ(std::filesystem::last_write_time(small_.store()), before) << "nothing is written";
}

TEST_F(Audit, MakesAPartOfTheImagesAgainOnRequest) {
  for (const char* seed : {"0", "1", "7"})
    EXPECT_THAT(audit({"--images", "2", "--seed", seed}).out, HasSubstr("images made again: 12 compared, 12 equal\n"));
}

TEST_F(Audit, NamesAScoreThatDoesNotFollowFromItsRows) {
  change("UPDATE score SET value = value + 0.01 WHERE id = 2");
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.out, HasSubstr("scores: 6 compared, 5 equal, 1 DIFFER"));
  EXPECT_THAT(finished.err, HasSubstr("checkpoint=sd15 sampler=ddim steps=2"));
}

TEST_F(Audit, NamesARowThatWasChanged) {
  change("UPDATE sample_metric SET value = value + 1 WHERE sample_id = 5");
  EXPECT_EQ(audit().code, 3);
}

TEST_F(Audit, NamesAnImageThatComesOutOtherwise) {
  change("UPDATE sample SET image_sha256 = substr(image_sha256, 2) || substr(image_sha256, 1, 1) WHERE id = 9");
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.out, HasSubstr("images made again: 48 compared, 47 equal, 1 DIFFER"));
  EXPECT_THAT(finished.err, HasSubstr("prompt row"));
}

TEST_F(Audit, NamesAPictureThatIsGoneOrAnother) {
  std::vector<std::filesystem::path> pictures;
  for (const auto& entry : std::filesystem::directory_iterator(small_.folder.path() / "small.images"))
    if (entry.path().extension() == ".png") pictures.push_back(entry.path());
  ASSERT_GE(pictures.size(), 2u);
  std::filesystem::remove(pictures[0]);
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr(pictures[0].string()));
}

// Batches of 3 of 7 captions with 2 images each: the last one is cut, and lost pictures are at every place.
TEST_F(Audit, FindsRemadePicturesEqual) {
  small_.captions = 7;
  small_.top = "[images]\nkeep = 0\n";
  small_.more = "";
  const auto store = small_.folder.path() / "lost.sqlite";
  std::vector<std::string> run{"run", small_.write(), "--store", store, "--device", "cpu", "--batch", "3"};
  for (const char* more : {"--set", "prompts.images_per_prompt=2"}) run.push_back(more);
  ASSERT_EQ(run_program("fewstep", run).code, 0);
  const Finished page = run_program("fewstep", {"report", store, "--format", "html", "--remake-pictures"});
  ASSERT_EQ(page.code, 0) << page.err;
  EXPECT_THAT(page.err, HasSubstr("pictures of " + store.string() + ", kept in " +
                                  (small_.folder.path() / "lost.images").string()));
  EXPECT_THAT(page.err, Not(HasSubstr("within rounding")));
  const Finished finished = run_program("fewstep", {"audit", store, "--device", "cpu"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, testing::ContainsRegex("pictures: 3. compared, 3. equal\n"));
  EXPECT_THAT(finished.out, Not(HasSubstr("within rounding")));
}

// As another machine's rounding makes it: a value off by one level, in a file that is named after its own content.
TEST_F(Audit, CountsPicturesThatWereRemadeWithinRounding) {
  const auto folder = small_.folder.path() / "small.images";
  std::filesystem::path picture;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".png") picture = entry.path();
  Image image = read_image(picture);
  image.rgb[100] ^= 1;
  const std::string hash = image_hash(image);
  write_png(folder / (hash + ".png"), image);
  change("UPDATE sample SET image_path = 'small.images/" + hash + ".png' WHERE image_path = 'small.images/" +
         picture.filename().string() + "'");
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(" remade elsewhere, within rounding\n"));
  image.rgb[100] ^= 64;  // another content under that name
  write_png(folder / (hash + ".png"), image);
  EXPECT_EQ(audit().code, 3);
}

// The run over fewer captions cut another batch than the run that made the images.
TEST_F(Audit, OfARunOverFewerCaptionsAllowsForTheRoundingOfAnotherBatch) {
  ASSERT_EQ(small_.run({"--batch", "2", "--limit", "3"}).code, 0);
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST_F(Audit, OfImagesMadeElsewhereOrAChangedExperimentSaysWhatToDo) {
  std::ofstream(small_.folder.path() / "small.toml", std::ios::app) << "# another\n";
  const Finished finished = audit();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("run it again first"));
}

}  // namespace
}  // namespace fewstep
