#include "harness/score/score.h"
#include "core/error.h"
#include "core/files.h"
#include "harness/made_up_metrics.h"
#include "metrics/statistics_file.h"
#include "tests/temporary.h"
#include "tests/warnings.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>

#include <limits>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Images 0.png … 4.png with red 10, 20 … 50, reference images with red 100 and 110, five captions.
class ScoreImages : public testing::Test {
 protected:
  ScoreImages() {
    for (int i = 0; i < 5; ++i) write_plain(image(i), static_cast<std::uint8_t>(10 * (i + 1)), 4 + i, 5);
    write_plain(folder_.path() / "reference/a.png", 100);
    write_plain(folder_.path() / "reference/b.png", 110);
    request_.images = folder_.path() / "images";
    request_.reference = folder_.path() / "reference";
    request_.prompts = folder_.write("captions.txt", "a\nbb\nccc\nbb\neeeee\n");
    request_.batch = 2;
  }

  std::filesystem::path image(int i) const { return folder_.path() / "images" / (std::to_string(i) + ".png"); }

  StatisticsFile statistics(const std::string& protocol, const std::string& network) {
    StatisticsFile file;
    file.gaussian = {2, Eigen::Vector3d(105, 7, 7), Eigen::Matrix3d::Identity()};
    file.protocol = protocol;
    file.network = network;
    return file;
  }
  void refer_to(const StatisticsFile& file) {
    request_.reference = folder_.path() / "reference.npz";
    write_statistics(*request_.reference, file);
  }

  std::vector<MetricScore> score(const std::vector<OpenMetric>& metrics) {
    return score_images(request_, metrics, messages_);
  }

  TemporaryFolder folder_;
  ScoreRequest request_;
  Seen seen_;
  std::ostringstream messages_;
};

TEST_F(ScoreImages, MeasuresEveryMetricInOnePass) {
  const auto scores = score({colour_metric(&seen_), length_metric()});
  ASSERT_EQ(scores.size(), 2U);
  EXPECT_EQ(scores[0].metric, "colour");
  EXPECT_EQ(scores[0].protocol, "mean-colour");
  EXPECT_DOUBLE_EQ(scores[0].score.value, 105 - 30);
  EXPECT_EQ(scores[0].score.count, 5);
  EXPECT_DOUBLE_EQ(scores[1].score.value, (1 * 10 + 2 * 20 + 3 * 30 + 2 * 40 + 5 * 50) / 5.0);
  EXPECT_THAT(scores[1].score.flags, ElementsAre("made-up"));
  EXPECT_THAT(messages_.str(), HasSubstr("scored: 5 images of " + request_.images.string() + "\n"));
  EXPECT_THAT(messages_.str(),
              HasSubstr("captions.txt: 5 captions, the first: \"a\"; paired in the order of the names"));
}

TEST_F(ScoreImages, HoldsNoMoreThanABatchOfImages) {
  score({colour_metric(&seen_)});
  EXPECT_THAT(seen_.batches, ElementsAre(2, 2, 2, 1));  // the reference first
}

// A folder is known again by its files' names, sizes, times and inodes; --verify reads it all the same.
TEST_F(ScoreImages, ReadAnUnchangedReferenceOnce) {
  ::setenv("FEWSTEP_CACHE", (folder_.path() / "cache").c_str(), 1);
  const double first = score({colour_metric(&seen_)})[0].score.value;
  EXPECT_THAT(seen_.batches, ElementsAre(2, 2, 2, 1));
  seen_.batches.clear();
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first);
  EXPECT_THAT(seen_.batches, ElementsAre(2, 2, 1)) << "the images alone";

  const auto changed = folder_.path() / "reference/b.png";
  const auto time = std::filesystem::last_write_time(changed);
  const auto rewritten = [&](std::uint8_t red) {  // the same file, size and time
    const auto other = folder_.path() / "other.png";
    write_plain(other, red);
    const std::string bytes = read_file(other);
    std::ofstream(changed, std::ios::binary | std::ios::in).write(bytes.data(), std::ssize(bytes));
    std::filesystem::last_write_time(changed, time);
  };
  rewritten(112);
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first) << "nothing tells that it changed";
  request_.verify = true;
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first + 1);
  EXPECT_THAT(messages_.str(), HasSubstr("has other content than when it was cached"));
  request_.verify = false;
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first + 1);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "cache/references"))
    std::ofstream(entry.path()) << "damaged";
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first + 1);
  const Warnings warnings;
  ::setenv("FEWSTEP_CACHE", folder_.write("file", "").c_str(), 1);
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first + 1);
  EXPECT_THAT(warnings.text(), HasSubstr("its statistics are not kept for the next command"));
  ::setenv("FEWSTEP_CACHE", "", 1);
  EXPECT_EQ(score({colour_metric(&seen_)})[0].score.value, first + 1);
}

TEST_F(ScoreImages, GroupsImagesOfOneCaption) {
  score({colour_metric(&seen_)});
  EXPECT_THAT(seen_.groups, ElementsAre(0, 1, 2, 1, 4));
  request_.prompts.reset();
  score({colour_metric(&seen_)});
  EXPECT_THAT(seen_.groups, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(ScoreImages, RefusesACaptionTooFewOrTooMany) {
  request_.prompts = folder_.write("captions.txt", "a\nb\nc\nd\n");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "expected 5 captions, one for each image");
  request_.prompts = folder_.write("captions.txt", "a\nb\nc\nd\ne\nf\n");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "in the order of their names, got 6");
  request_.prompts = folder_.write("captions.txt", "a\nb\n\nd\ne\n");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "got 4 and 1 empty lines");
}

TEST_F(ScoreImages, NamesEveryBrokenImageAndGivesNoScore) {
  folder_.write("images/1.png", "not an image");
  const std::string whole = read_file(image(3));
  folder_.write("images/3.png", whole.substr(0, whole.size() / 2));
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "got 2 of 5 images that cannot; replace them");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "images/1.png] expected a PNG");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "images/3.png] expected a whole");
}

TEST_F(ScoreImages, NamesTenBrokenImagesAndCountsTheRest) {
  for (int i = 0; i < 5; ++i) folder_.write("images/" + std::to_string(i) + ".png", "");
  for (char c = 'a'; c < 'j'; ++c) folder_.write(std::string("images/") + c + ".png", "");
  request_.prompts.reset();
  try {
    score({length_metric()});
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_THAT(what, HasSubstr("got 14 of 14 images that cannot"));
    EXPECT_THAT(what, HasSubstr("e.png"));
    EXPECT_THAT(what, testing::Not(HasSubstr("f.png")));
    EXPECT_THAT(what, HasSubstr("and 4 more"));
  }
}

TEST_F(ScoreImages, LeavesBrokenOnesOutOnRequestAndSaysSo) {
  folder_.write("images/1.png", "not an image");
  folder_.write("reference/c.png", "nor this");
  request_.max_left_out = 1;
  const Warnings warnings;
  const auto scores = score({colour_metric(&seen_), length_metric()});
  EXPECT_DOUBLE_EQ(scores[0].score.value, 105 - (10 + 30 + 40 + 50) / 4.0);
  EXPECT_EQ(scores[0].score.count, 4);
  EXPECT_THAT(scores[0].score.flags, ElementsAre("skipped-images:1", "skipped-reference-images:1"));
  EXPECT_DOUBLE_EQ(scores[1].score.value,
                   (1 * 10 + 3 * 30 + 2 * 40 + 5 * 50) / 4.0);  // captions stay with their images
  EXPECT_THAT(scores[1].score.flags, ElementsAre("made-up", "skipped-images:1"));
  EXPECT_THAT(seen_.groups, ElementsAre(0, 2, 1, 4));
  EXPECT_THAT(warnings.text(), HasSubstr("1 of 5 images left out:\n  [" + image(1).string() + "]"));
  EXPECT_THAT(warnings.text(), HasSubstr("c.png"));
}

TEST_F(ScoreImages, CannotLeaveAllOut) {
  for (int i = 0; i < 5; ++i) folder_.write("images/" + std::to_string(i) + ".png", "");
  request_.max_left_out = 1;
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "got 5 of 5 images that cannot");
}

TEST_F(ScoreImages, TakesStatisticsForAReference) {
  refer_to(statistics("mean-colour", "the-network"));
  EXPECT_DOUBLE_EQ(score({colour_metric(&seen_)})[0].score.value, 105 - 30);
  refer_to(statistics("mean-colour", ""));
  EXPECT_THAT(score({colour_metric(&seen_)})[0].score.flags, ElementsAre());
}

TEST_F(ScoreImages, RefusesStatisticsOfAnotherProtocolOrNetwork) {
  refer_to(statistics("clean-fid", "the-network"));
  EXPECT_FEWSTEP_ERROR(score({colour_metric(&seen_)}), ExitCode::kInput,
                       "expected statistics of protocol mean-colour, got clean-fid");
  request_.assume_protocol = true;  // is for files that do not say
  EXPECT_FEWSTEP_ERROR(score({colour_metric(&seen_)}), ExitCode::kInput, "got clean-fid");
  refer_to(statistics("mean-colour", "other-network"));
  EXPECT_FEWSTEP_ERROR(score({colour_metric(&seen_)}), ExitCode::kInput, "expected statistics of the network");
  EXPECT_TRUE(seen_.batches.empty()) << "found out before any image was measured";
}

TEST_F(ScoreImages, AssumesAProtocolOnRequestAlone) {
  refer_to(statistics("", ""));
  EXPECT_FEWSTEP_ERROR(score({colour_metric(&seen_)}), ExitCode::kInput, "takes them as mean-colour");
  request_.assume_protocol = true;
  const auto scores = score({colour_metric(&seen_)});
  EXPECT_DOUBLE_EQ(scores[0].score.value, 105 - 30);
  EXPECT_THAT(scores[0].score.flags, ElementsAre("assumed-protocol"));
}

TEST_F(ScoreImages, RefusesMissingAndEmptyFolders) {
  request_.images = folder_.path() / "no";
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "No such file");
  std::filesystem::create_directory(folder_.path() / "no");
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kInput, "expected images");
  request_.images = folder_.path() / "images";
  request_.reference = folder_.path() / "nowhere";
  EXPECT_FEWSTEP_ERROR(score({colour_metric(&seen_)}), ExitCode::kInput, "nowhere");
}

TEST_F(ScoreImages, RefusesABatchOfNone) {
  request_.batch = 0;
  EXPECT_FEWSTEP_ERROR(score({length_metric()}), ExitCode::kUsage, "--batch");
}

const std::vector<MetricScore> kScores = {
    {"fid", "pytorch-fid", {12.34567, std::numeric_limits<double>::quiet_NaN(), 5000, {"rank-deficient", "x:1"}}},
    {"clip-score", "transformers", {31.5, 0.0625, 5000, {}}}};

TEST(ScoreOutput, IsJsonWithNullForWhatIsNotKnown) {
  std::ostringstream out;
  print_scores(kScores, true, out);
  EXPECT_EQ(nlohmann::json::parse(out.str()), nlohmann::json::parse(R"({"scores": [
    {"metric": "fid", "protocol": "pytorch-fid", "value": 12.34567, "standard_error": null, "images": 5000,
     "flags": ["rank-deficient", "x:1"]},
    {"metric": "clip-score", "protocol": "transformers", "value": 31.5, "standard_error": 0.0625, "images": 5000,
     "flags": []}]})"));
}

TEST(ScoreOutput, IsATableOtherwise) {
  std::ostringstream out;
  print_scores(kScores, false, out);
  EXPECT_EQ(out.str(),
            "metric      protocol        value  standard error  images  flags\n"
            "fid         pytorch-fid   12.3457               -    5000  rank-deficient x:1\n"
            "clip-score  transformers  31.5000          0.0625    5000\n");
}

}  // namespace
}  // namespace fewstep
