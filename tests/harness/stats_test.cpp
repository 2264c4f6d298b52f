#include "harness/score/stats.h"
#include "core/error.h"
#include "harness/made_up_metrics.h"
#include "images/resize.h"
#include "metrics/statistics_file.h"
#include "tests/temporary.h"
#include "tests/warnings.h"

#include <gmock/gmock.h>

#include <sstream>

namespace fewstep {
namespace {

using testing::HasSubstr;

class Stats : public testing::Test {
 protected:
  Stats() {
    for (int i = 0; i < 4; ++i)
      write_plain(folder_.path() / "images" / (std::to_string(i) + ".png"), static_cast<std::uint8_t>(10 * (i + 1)));
    request_.images = folder_.path() / "images";
    request_.output = folder_.path() / "out.npz";
    request_.batch = 3;
  }
  void write() { write_stats(request_, colour_metric(&seen_), out_, messages_); }

  TemporaryFolder folder_;
  StatsRequest request_;
  Seen seen_;
  std::ostringstream out_, messages_;
};

TEST_F(Stats, AreTheMomentsUnderTheirProtocol) {
  write();
  const StatisticsFile file = read_statistics(request_.output);
  EXPECT_EQ(file.protocol, "mean-colour");
  EXPECT_EQ(file.network, "the-network");
  EXPECT_EQ(file.gaussian.count, 4);
  EXPECT_NEAR(file.gaussian.mean[0], 25, 1e-12);
  EXPECT_NEAR(file.gaussian.mean[1], 7, 1e-12);
  EXPECT_NEAR(file.gaussian.covariance(0, 0), 500.0 / 3, 1e-9);
  EXPECT_NEAR(file.gaussian.covariance(1, 1), 0, 1e-9);
  EXPECT_THAT(seen_.batches, testing::ElementsAre(3, 1));
  EXPECT_EQ(out_.str(), request_.output.string() + ": 4 images, protocol mean-colour, 3 features\n");
}

TEST_F(Stats, ServeAsTheReferenceOfAScore) {
  write();
  ScoreRequest score;
  score.images = request_.images;
  score.reference = request_.output;
  const std::vector<OpenMetric> metrics = {colour_metric(&seen_)};
  const auto scores = score_images(score, metrics, messages_);
  EXPECT_NEAR(scores[0].score.value, 0, 1e-12);
  EXPECT_TRUE(scores[0].score.flags.empty());
}

TEST_F(Stats, OfABrokenImageAreNotWritten) {
  folder_.write("images/2.png", "not an image");
  EXPECT_FEWSTEP_ERROR(write(), ExitCode::kInput, "got 1 of 4 images that cannot");
  EXPECT_FALSE(std::filesystem::exists(request_.output));
  request_.max_left_out = 1;
  const Warnings warnings;
  write();
  EXPECT_EQ(read_statistics(request_.output).gaussian.count, 3);
  EXPECT_THAT(out_.str(), HasSubstr("3 images, protocol mean-colour, 3 features, 1 broken images skipped"));
  EXPECT_THAT(warnings.text(), HasSubstr("2.png"));
}

TEST_F(Stats, OfOneImageAreRefused) {
  for (int i = 1; i < 4; ++i) std::filesystem::remove(request_.images / (std::to_string(i) + ".png"));
  EXPECT_FEWSTEP_ERROR(write(), ExitCode::kInput, "2");
  EXPECT_FALSE(std::filesystem::exists(request_.output));
}

Image gradient(int height, int width) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) image.rgb.push_back(static_cast<std::uint8_t>(x * 5 + y * 3 + c));
  return image;
}

TEST_F(Stats, TakeImagesAsTheyAreUnlessAsked) { EXPECT_EQ(prepare(request_, gradient(9, 17)), gradient(9, 17)); }

TEST_F(Stats, SquashOrCropToTheResolution) {
  const Image image = gradient(20, 33);
  request_.resolution = 8;
  EXPECT_EQ(prepare(request_, image), resize_pil(image, 8, 8, PilFilter::kLanczos));
  request_.crop = "center";
  EXPECT_EQ(prepare(request_, image), resize_pil(center_crop(image, 20, 20), 8, 8, PilFilter::kLanczos));
  request_.resolution = 0;
  EXPECT_EQ(prepare(request_, image), center_crop(image, 20, 20));
  request_.resolution = 20;
  EXPECT_EQ(prepare(request_, image), center_crop(image, 20, 20));
}

TEST_F(Stats, CheckTheRequestBeforeAnythingIsLoaded) {
  auto request = request_;
  request.crop = "middle";
  EXPECT_FEWSTEP_ERROR(run_stats(request, out_, messages_), ExitCode::kUsage, "expected none or center, got middle");
  request = request_;
  request.resolution = -1;
  EXPECT_FEWSTEP_ERROR(run_stats(request, out_, messages_), ExitCode::kUsage, "--resolution");
  request = request_;
  request.output = folder_.path() / "out.npy";
  EXPECT_FEWSTEP_ERROR(run_stats(request, out_, messages_), ExitCode::kUsage, "ending in .npz");
  request.output = folder_.path() / "no/out.npz";
  EXPECT_FEWSTEP_ERROR(run_stats(request, out_, messages_), ExitCode::kUsage, "expected an existing folder");
  EXPECT_FEWSTEP_ERROR(run_stats(request_, out_, messages_), ExitCode::kUsage, "fid");  // no --inception
}

TEST_F(Stats, AreOfTheMetricWhoseNetworkIsGiven) {
  request_.networks["fid"] = folder_.write("inception.safetensors", "");
  EXPECT_EQ(metric_settings(request_).name, "fid");
  EXPECT_EQ(metric_settings(request_).protocol, "pytorch-fid");
  request_.networks["fd-pocket"] = folder_.path();
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "expected the network of one metric");
  request_.networks.erase("fid");
  EXPECT_EQ(metric_settings(request_).name, "fd-pocket");
  EXPECT_EQ(metric_settings(request_).protocol, "pocket");
  EXPECT_EQ(metric_settings(request_).network, folder_.path());
  request_.protocol = "clean-fid";
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "[fd-pocket protocol]");
}

}  // namespace
}  // namespace fewstep
