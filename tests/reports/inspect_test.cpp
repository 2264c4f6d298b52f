#include "reports/inspect/inspect.h"

#include "core/error.h"
#include "core/files.h"
#include "metrics/statistics_file.h"
#include "reports/synthetic_store.h"
#include "store/migrations.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace fewstep {
namespace {

using testing::HasSubstr;

const std::filesystem::path kGolden = FEWSTEP_TEST_DATA;

nlohmann::json inspect_json(const std::filesystem::path& path) {
  std::ostringstream out;
  run_inspect(path, true, out);
  return nlohmann::json::parse(out.str());
}

std::string inspect_lines(const std::filesystem::path& path) {
  std::ostringstream out;
  run_inspect(path, false, out);
  return out.str();
}

TEST(Inspect, NamesTheNetworksOfACheckpoint) {
  const auto json = inspect_json(kGolden / "checkpoints/sd15");
  EXPECT_EQ(json["kind"], "checkpoint");
  EXPECT_EQ(json["role"], "teacher");
  EXPECT_EQ(json["prediction"], "epsilon");
  EXPECT_EQ(json["omega_embedding"], false);
  EXPECT_EQ(json["hash"].get<std::string>().size(), 64u);
  ASSERT_EQ(json["networks"].size(), 3u);
  const auto& unet = json["networks"][1];
  EXPECT_EQ(unet["name"], "unet");
  EXPECT_EQ(unet["class"], "UNet2DConditionModel");
  EXPECT_GT(unet["tensors"], 10);
  EXPECT_EQ(unet["bytes"].get<std::int64_t>() % unet["parameters"].get<std::int64_t>(), 0);
  EXPECT_TRUE(unet["shape"].contains("cross_attention_dim"));
  EXPECT_EQ(inspect_json(kGolden / "checkpoints/lcm")["role"], "consistency");
  EXPECT_EQ(inspect_json(kGolden / "checkpoints/sd21-v")["prediction"], "v_prediction");
  EXPECT_THAT(inspect_lines(kGolden / "checkpoints/sd15"), HasSubstr("UNet2DConditionModel"));
}

TEST(Inspect, CountsTheParametersOfOneNetwork) {
  const auto json = inspect_json(kGolden / "checkpoints/sd15/unet");
  EXPECT_EQ(json["kind"], "network");
  EXPECT_EQ(json["parameters"], inspect_json(kGolden / "checkpoints/sd15")["networks"][1]["parameters"]);
  EXPECT_EQ(json["hash"], sha256_file(kGolden / "checkpoints/sd15/unet/diffusion_pytorch_model.safetensors"));
}

TEST(Inspect, ListsTheTensorsOfAFile) {
  const auto path = kGolden / "safetensors/all_dtypes.safetensors";
  const auto json = inspect_json(path);
  EXPECT_EQ(json["kind"], "safetensors");
  EXPECT_EQ(json["list"].size(), json["tensors"]);
  EXPECT_EQ(json["hash"], sha256_file(path));
  EXPECT_GE(json["dtypes"].size(), 8u);
}

TEST(Inspect, CountsTheRowsAndRunsOfAStore) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "synthetic.sqlite";
  synthetic_store(path);
  const auto json = inspect_json(path);
  EXPECT_EQ(json["kind"], "store");
  EXPECT_EQ(json["schema_version"], kSchemaVersion);
  EXPECT_EQ(json["rows"]["series"], 12);
  EXPECT_EQ(json["rows"]["sample"], 12 * 9 + 5);
  EXPECT_EQ(json["rows"]["score"], 18);
  ASSERT_EQ(json["runs"].size(), 1u);
  EXPECT_EQ(json["runs"][0]["experiment"], "synthetic");
  EXPECT_EQ(json["runs"][0]["cells"], 12);
  EXPECT_THAT(inspect_lines(path), HasSubstr("sample 113"));
}

TEST(Inspect, SaysUnderWhichProtocolStatisticsWereMade) {
  const TemporaryFolder folder;
  StatisticsFile file;
  file.gaussian.count = 50;
  file.gaussian.mean = Eigen::Vector3d(3, 4, 0);
  file.gaussian.covariance = 2 * Eigen::Matrix3d::Identity();
  file.protocol = "pytorch-fid";
  file.network = std::string(64, '9');
  write_statistics(folder.path() / "s.npz", file);
  const auto json = inspect_json(folder.path() / "s.npz");
  EXPECT_EQ(json["kind"], "statistics");
  EXPECT_EQ(json["dimensions"], 3);
  EXPECT_EQ(json["images"], 50);
  EXPECT_EQ(json["protocol"], "pytorch-fid");
  EXPECT_EQ(json["network"], std::string(64, '9'));
  EXPECT_EQ(json["mean_norm"], 5.0);
  EXPECT_EQ(json["covariance_trace"], 6.0);
}

TEST(Inspect, RefusesAnythingElse) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(inspect_json(folder.path() / "nothing"), ExitCode::kInput, "found nothing there");
  EXPECT_FEWSTEP_ERROR(inspect_json(folder.write("a.txt", "hello")), ExitCode::kInput, "got another file");
  EXPECT_FEWSTEP_ERROR(inspect_json(folder.write("a.npz", "PK\3\4 torn")), ExitCode::kInput, "a.npz");
  EXPECT_FEWSTEP_ERROR(inspect_json(folder.write("a.sqlite", "no database at all, but long enough to be read")),
                       ExitCode::kInput, "no SQLite database");
  EXPECT_FEWSTEP_ERROR(inspect_json(folder.path()), ExitCode::kInput, "model_index.json");
}

}  // namespace
}  // namespace fewstep
