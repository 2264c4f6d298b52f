#include "store/series.h"

#include "core/error.h"
#include "core/files.h"
#include "store/filled_store.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <array>

namespace fewstep {
namespace {

// An axis as a later version would add it: a number that is 0 where nothing is said.
constexpr std::array kLater{cell_axes::axis<&CellKey::steps>("steps", kAxisOfCells | kFromFirst),
                            cell_axes::axis<&CellKey::omega>("eta", kAxisOfCells)};
constexpr auto kBefore = std::span(kLater).first(1);

TEST(AnAxisThatIsAddedLater, IsInTheIdentityOffItsDefaultAlone) {
  CellKey key;
  key.steps = 4;
  EXPECT_EQ(series_identity(key, kLater), series_identity(key, kBefore));
  EXPECT_EQ(series_identity(key, kLater), sha256(R"({"steps":4})"));
  key.omega = 0.5;
  EXPECT_NE(series_identity(key, kLater), series_identity(key, kBefore));
  EXPECT_EQ(series_identity(key, kLater), sha256(R"({"eta":0.5,"steps":4})"));
}

TEST(AnAxisThatIsAddedLater, IsInTheSettingsOffItsDefaultAlone) {
  CellKey key;
  key.steps = 4;
  EXPECT_EQ(series_settings(key, kLater), "");
  key.omega = 0.5;
  EXPECT_EQ(series_settings(key, kLater), R"({"eta":0.5})");
  CellKey read;
  read_series_settings("a.sqlite", series_settings(key, kLater), read, kLater);
  EXPECT_EQ(read.omega, 0.5);
}

TEST(SettingsOfASeries, OfANewerVersionOrDamagedAreRefused) {
  CellKey key;
  EXPECT_FEWSTEP_ERROR(read_series_settings("a.sqlite", R"({"churn":1})", key), ExitCode::kInput,
                       "got \"churn\"; a newer fewstep reads them");
  EXPECT_FEWSTEP_ERROR(read_series_settings("a.sqlite", "[1]", key), ExitCode::kInput, "the store is damaged");
  EXPECT_FEWSTEP_ERROR(read_series_settings("a.sqlite", R"({"eta":"much"})", key, kLater), ExitCode::kInput,
                       "expected a value of eta in a cell's settings, got \"much\"");
  EXPECT_FEWSTEP_ERROR(read_series_settings("a.sqlite", R"({"steps":4})", key, kLater), ExitCode::kInput, "steps");
}

// What fewstep 0.1.0 has written since its first store.
TEST(AnIdentity, KeepsItsBytes) {
  EXPECT_EQ(series_identity(series_key()), "4c1d0060b663646ed3c0d9372f8bfc1063fc51a685a0c1639332116ae7fd9d8e");
}

}  // namespace
}  // namespace fewstep
