#include "reports/report.h"

#include "core/files.h"
#include "reports/safe_text.h"
#include "reports/synthetic_store.h"
#include "temporary.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace fewstep {
namespace {

std::string report(const ReportRequest& request) {
  std::ostringstream out, err;
  EXPECT_EQ(run_report(request, out, err), 0);
  EXPECT_EQ(err.str(), "report: 3 of 12 cells are not complete\n");
  return out.str();
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(FEWSTEP_TEST_DATA) / "reports" / name;
  if (std::getenv("FEWSTEP_REMAKE_GOLDEN")) write_file_atomically(path, text);
  EXPECT_EQ(text, read_file(path)) << "remake with: FEWSTEP_REMAKE_GOLDEN=1 " << FEWSTEP_BINARY_DIR
                                   << "/fewstep_reports_tests, and look at the difference";
}

class ReportGolden : public testing::Test {
 protected:
  ReportGolden() { synthetic_store(request_.store = folder_.path() / "synthetic.sqlite"); }

  TemporaryFolder folder_;
  ReportRequest request_;
};

TEST_F(ReportGolden, TableOnATerminal) {
  request_.colour = true;
  expect_golden("table.txt", report(request_));
}

TEST_F(ReportGolden, TableWithStepsAsRows) {
  request_.rows = "steps";
  request_.columns = "checkpoint,sampler";
  expect_golden("steps_as_rows.txt", report(request_));
}

TEST_F(ReportGolden, Markdown) {
  request_.format = "markdown";
  expect_golden("table.md", report(request_));
}

TEST_F(ReportGolden, Latex) {
  request_.format = "latex";
  expect_golden("table.tex", report(request_));
}

TEST_F(ReportGolden, LatexCompiles) {
  if (std::system("command -v pdflatex >/dev/null && kpsewhich booktabs.sty >/dev/null") != 0)
    GTEST_SKIP() << "pdflatex with booktabs is not installed: run tools/setup.sh test";
  request_.format = "latex";
  // With every character of ASCII and some that the default font lacks.
  std::string hostile;
  for (char c = ' '; c <= '~'; ++c) hostile += c;
  folder_.write("table.tex", "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + report(request_) +
                                 "\\begin{tabular}{l}" + latex_text(hostile + " žluťoučký 猫 \u202e ± ω") +
                                 " \\\\ \\end{tabular}\\end{document}\n");
  const std::string compile = "cd " + folder_.path().string() +
                              " && pdflatex -interaction=nonstopmode -halt-on-error table.tex >table.out </dev/null";
  EXPECT_EQ(std::system(compile.c_str()), 0) << read_file(folder_.path() / "table.out");
  EXPECT_EQ(read_file(folder_.path() / "table.log").find("Missing character"), std::string::npos);
}

TEST_F(ReportGolden, Csv) {
  request_.format = "csv";
  expect_golden("table.csv", report(request_));
}

TEST_F(ReportGolden, Json) {
  request_.format = "json";
  expect_golden("table.json", report(request_));
}

TEST_F(ReportGolden, AFileHoldsWhatStandardOutputWould) {
  request_.colour = true;
  auto to_file = request_;
  to_file.output = folder_.path() / "table.txt";
  EXPECT_EQ(report(to_file), "");
  request_.colour = false;  // a file is no terminal
  EXPECT_EQ(read_file(*to_file.output), report(request_));
}

}  // namespace
}  // namespace fewstep
