// The Fréchet distance through run, score and stats, with Inception's weights made by a formula: the number is not FID,
// the way to it is the same.
#include "datasets/shapes.h"
#include "formats/json.h"
#include "harness/small_experiment.h"
#include "images/files.h"
#include "models/hashed_weights.h"
#include "models/weights.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FidProgram : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TemporaryFolder;
    const auto shapes = read_json_object(std::filesystem::path(FEWSTEP_TEST_DATA) / "towers/inception_shapes.json");
    save_tensors(weights(), hashed_inception_weights(shapes.get<std::map<std::string, std::vector<std::int64_t>>>()));
    std::filesystem::create_directories(reference());
    const auto images = to_images(hashed_images(10, 48, 7));
    for (std::size_t i = 0; i < images.size(); ++i)
      write_png(reference() / ("image" + std::to_string(i) + ".png"), images[i]);
  }
  static void TearDownTestSuite() { delete shared_; }
  static std::filesystem::path weights() { return shared_->path() / "inception.safetensors"; }
  static std::filesystem::path reference() { return shared_->path() / "reference"; }

  FidProgram() {
    small_.steps = "[2]";
    small_.metrics += "[[metric]]\nname = \"fid\"\nweights = \"" + weights().string() + "\"\n";
    small_.more = "[images]\nkeep = true\n[reference]\nimages = \"" + reference().string() + "\"\n";
  }

  SmallExperiment small_;

 private:
  static inline TemporaryFolder* shared_ = nullptr;
};

TEST_F(FidProgram, IsTheSameFromRunAndFromScoreOfItsImages) {
  const Finished finished = small_.run({"--batch", "4"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("FID"));
  const auto metrics = small_.report().at("cells").at(0).at("metrics");
  const double fid = metrics.at("fid").at("value"), clip = metrics.at("clip-score").at("value");
  EXPECT_GT(fid, 0);
  EXPECT_GT(metrics.at("fid").at("standard_error").get<double>(), 0) << "a jackknife's, below D";
  EXPECT_THAT(metrics.at("fid").at("flags"), testing::Contains("rank-deficient"));

  // The images in the order of their captions, under names that sort so.
  SQLite::Database database(small_.store().string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database,
                           "SELECT image_path, text FROM sample JOIN prompt ON prompt.id = prompt_id ORDER BY row");
  std::string captions;
  int count = 0;
  for (; select.executeStep(); ++count) {
    const auto image = small_.folder.path() / select.getColumn(0).getString();
    small_.folder.write("named/" + std::to_string(count) + ".png", "");
    std::filesystem::copy_file(image, small_.folder.path() / ("named/" + std::to_string(count) + ".png"),
                               std::filesystem::copy_options::overwrite_existing);
    captions += select.getColumn(1).getString() + "\n";
  }
  ASSERT_EQ(count, 6);
  const auto statistics = small_.folder.path() / "reference.npz";
  ASSERT_EQ(run_program("fewstep", {"stats", reference(), "-o", statistics, "--inception", weights()}).code, 0);
  for (const std::string& against : {reference().string(), statistics.string()}) {
    const Finished scored = run_program(
        "fewstep", {"score", "--images", small_.folder.path() / "named", "--reference", against, "--metric", "fid",
                    "--metric", "clip-score", "--inception", weights(), "--clip", small_.golden + "/metrics/clip-tiny",
                    "--prompts", small_.folder.write("captions.txt", captions), "--batch", "3", "--json"});
    ASSERT_EQ(scored.code, 0) << scored.err;
    const auto scores = nlohmann::json::parse(scored.out).at("scores");
    EXPECT_NEAR(scores.at(0).at("value").get<double>(), fid, 1e-5 * fid);
    EXPECT_NEAR(scores.at(1).at("value").get<double>(), clip, 1e-4);
  }

  // The statistics as the experiment's reference.
  const Finished again =
      small_.run({"--batch", "4", "--set", "reference={statistics=\"" + statistics.string() + "\"}"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_NEAR(small_.report().at("cells").at(0).at("metrics").at("fid").at("value").get<double>(), fid, 1e-6 * fid);
}

// Drawn scenes and the same ones from a folder of PNG files.
TEST_F(FidProgram, IsTheSameAgainstBuiltinScenesAndTheirFiles) {
  const auto drawn = small_.folder.path() / "drawn";
  std::filesystem::create_directories(drawn);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const ShapeScene scene = make_shape_scene(ShapeSplit::kValidation, 40 + i, ShapeStyle::kOutline);
    write_png(drawn / ("scene" + std::to_string(10 + i) + ".png"), draw_shapes(scene));
  }
  const auto fid = [&] { return small_.report().at("cells").at(0).at("metrics").at("fid").at("value").get<double>(); };
  small_.more = "[reference]\nimages = \"" + drawn.string() + "\"\n";
  const Finished folder = small_.run({"--batch", "4"});
  ASSERT_EQ(folder.code, 0) << folder.err;
  const double expected = fid();

  small_.more =
      "[reference]\nbuiltin = \"shapes\"\nsplit = \"validation\"\nstyle = \"outline\"\ncount = 10\nfirst = 40\n";
  const Finished builtin = small_.run({"--batch", "4"});
  ASSERT_EQ(builtin.code, 0) << builtin.err;
  EXPECT_THAT(builtin.err, HasSubstr("reference: features of 10 built-in scenes"));
  EXPECT_NEAR(fid(), expected, 1e-9 * expected);

  // Their statistics are kept, under a name that holds which scenes they are.
  EXPECT_THAT(small_.run().err, testing::Not(HasSubstr("built-in scenes")));
  for (const char* set : {"reference.first=41", "reference.style=filled"}) {
    const Finished other = small_.run({"--set", set});
    ASSERT_EQ(other.code, 0) << other.err;
    EXPECT_THAT(other.err, HasSubstr("built-in scenes")) << set;
    EXPECT_GT(std::abs(fid() - expected), 1e-4 * expected) << set;
  }
}

TEST_F(FidProgram, UndecodableReferenceImagesAreNamedAndCounted) {
  const auto images = small_.folder.path() / "broken";
  std::filesystem::copy(reference(), images);
  small_.folder.write("broken/image3.png", "no image");
  small_.folder.write("broken/image5.png", "");
  small_.more = "[reference]\nimages = \"" + images.string() + "\"\n";
  const Finished finished = small_.run();
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("image3.png"));
  EXPECT_THAT(finished.err, HasSubstr("image5.png"));
  EXPECT_THAT(finished.err, HasSubstr("got 2 of 10 images that cannot"));

  // score says the same, or leaves them out when told, and then says so beside the number.
  const std::vector<std::string> score{"score",    "--images", images,        "--reference", reference(),
                                       "--metric", "fid",      "--inception", weights(),     "--json"};
  EXPECT_EQ(run_program("fewstep", score).code, 3);
  auto skipping = score;
  skipping.push_back("--skip-broken");
  const Finished skipped = run_program("fewstep", skipping);
  ASSERT_EQ(skipped.code, 0) << skipped.err;
  const auto result = nlohmann::json::parse(skipped.out).at("scores").at(0);
  EXPECT_EQ(result.at("images"), 8);
  EXPECT_THAT(result.at("flags").dump(), HasSubstr("skipped-images:2"));
}

}  // namespace
}  // namespace fewstep
