// A million samples over both arms: how long report and compare take, and how much memory. With FEWSTEP_TORTURE set;
// writing the stores takes minutes.
#include "harness/program.h"
#include "temporary.h"
#include "verdicts/two_stores.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace fewstep {
namespace {

double child_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST(MillionSamples, AreReportedInASecondAndComparedInThree) {
  if (!std::getenv("FEWSTEP_TORTURE")) GTEST_SKIP() << "set FEWSTEP_TORTURE";
  const TemporaryFolder folder;
  ArmStore arm;
  arm.prompts = 25'000;
  arm.cells.clear();
  for (int steps = 1; steps <= 20; ++steps) arm.cells.push_back({.steps = steps});
  write_arm(folder.path() / "a.sqlite", arm);
  arm.sha256 = std::string(64, 'd');
  arm.jitter = 0.5;
  for (ArmCell& cell : arm.cells) cell.clip = cell.fid = -0.01;
  write_arm(folder.path() / "b.sqlite", arm);
  const std::string a = (folder.path() / "a.sqlite").string(), b = (folder.path() / "b.sqlite").string();
  const Finished report = run_program("fewstep", {"report", a});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_LT(report.seconds, 1);
  const double report_megabytes = child_megabytes();
  const Finished compare = run_program("fewstep", {"compare", a, b});
  EXPECT_LT(compare.code, 20) << compare.err;
  EXPECT_LT(compare.seconds, 3);
  EXPECT_LT(child_megabytes(), 200);
  std::cout << "report " << report.seconds << " s, " << report_megabytes << " MB; compare " << compare.seconds << " s, "
            << child_megabytes() << " MB\n";
}

}  // namespace
}  // namespace fewstep
