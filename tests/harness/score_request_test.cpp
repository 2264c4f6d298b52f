#include "core/error.h"
#include "harness/score/score.h"
#include "tests/temporary.h"

#include <gmock/gmock.h>

#include <sstream>

namespace fewstep {
namespace {

// What the command line asks for is checked before any network is loaded: these paths hold nothing a network could
// read.
class ScoreRequests : public testing::Test {
 protected:
  ScoreRequests() {
    request_.images = folder_.path();
    request_.metrics = {"fid:pytorch-fid", "clip-score"};
    request_.reference = folder_.write("reference.npz", "");
    request_.networks["fid"] = folder_.write("inception.safetensors", "");
    request_.networks["clip-score"] = folder_.path();
    request_.prompts = folder_.write("captions.txt", "a\n");
    request_.device = "cpu";
  }
  TemporaryFolder folder_;
  ScoreRequest request_;
};

TEST_F(ScoreRequests, NameAMetricAndPerhapsItsProtocol) {
  request_.metrics.push_back("clip-score:torchmetrics");
  const auto settings = metric_settings(request_);
  ASSERT_EQ(settings.size(), 3U);
  EXPECT_EQ(settings[0].name, "fid");
  EXPECT_EQ(settings[0].protocol, "pytorch-fid");
  EXPECT_EQ(settings[0].network, request_.networks["fid"]);
  EXPECT_EQ(settings[1].name, "clip-score");
  EXPECT_EQ(settings[1].protocol, "transformers");
  EXPECT_EQ(settings[1].network, request_.networks["clip-score"]);
  EXPECT_EQ(settings[2].protocol, "torchmetrics");
}

TEST_F(ScoreRequests, GiveEachMetricItsOwnNetwork) {
  request_.metrics = {"fd-pocket", "clip-score"};
  request_.networks.erase("fid");
  request_.networks["fd-pocket"] = folder_.path() / "net";
  std::filesystem::create_directory(request_.networks["fd-pocket"]);
  const auto settings = metric_settings(request_);
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[0].protocol, "pocket");
  EXPECT_EQ(settings[0].network, request_.networks["fd-pocket"]);
  EXPECT_EQ(settings[1].network, request_.networks["clip-score"]);
  request_.reference.reset();
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "[--metric fd-pocket] expected --reference");
}

TEST_F(ScoreRequests, WithoutAMetricAreForWhatReferenceCaptionsAndNetworksSay) {
  request_.metrics.clear();
  const auto names = [&] {
    std::vector<std::string> all;
    for (const MetricSettings& settings : metric_settings(request_)) all.push_back(settings.name);
    return all;
  };
  EXPECT_EQ(names(), (std::vector<std::string>{"fid", "clip-score"}));
  request_.networks.erase("clip-score");
  EXPECT_EQ(names(), (std::vector<std::string>{"fid"}));
  request_.reference.reset();
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "expected a reference (for fid), --prompts");
}

TEST_F(ScoreRequests, OfAnUnknownMetricOrProtocolAreRefused) {
  request_.metrics = {"fidd"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "fid");
  request_.metrics = {"fid:pytorchfid"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "pytorch-fid");
  request_.metrics = {"fid:"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "expected NAME:PROTOCOL, got \"fid:\"");
  request_.metrics = {"fid", "fid:pytorch-fid"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request_), ExitCode::kUsage, "got it twice");
}

TEST_F(ScoreRequests, NameWhatAMetricNeeds) {
  auto request = request_;
  request.reference.reset();
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "expected --reference");
  request = request_;
  request.prompts.reset();
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "expected --prompts");
  request = request_;
  request.networks.erase("fid");
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "fid");
  request = request_;
  request.networks.erase("clip-score");
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "clip-score");
  request.metrics = {"fd-pocket"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "[fd-pocket] expected model");
}

TEST_F(ScoreRequests, WithAnOptionThatNothingUsesAreRefused) {
  auto request = request_;
  request.metrics = {"clip-score"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "[--reference]");
  request.reference.reset();
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "[--inception]");
  request = request_;
  request.metrics = {"fid"};
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "[--clip]");
  request = request_;
  request.networks["fd-pocket"] = folder_.path();
  EXPECT_FEWSTEP_ERROR(metric_settings(request), ExitCode::kUsage, "[--feature-net]");
}

TEST_F(ScoreRequests, FailBeforeAnythingIsPrinted) {
  std::ostringstream out, messages;
  request_.device = "gpu";
  EXPECT_FEWSTEP_ERROR(run_score(request_, out, messages), ExitCode::kUsage, "expected auto, cpu or cuda:N");
  request_.device = "cpu";
  EXPECT_FEWSTEP_ERROR(run_score(request_, out, messages), ExitCode::kInput, "inception.safetensors");
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace fewstep
