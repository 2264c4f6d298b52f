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

TEST_F(ReportGolden, LatexByMetric) {
  request_.format = "latex";
  request_.columns = "metric,steps";
  expect_golden("by_metric.tex", report(request_));
}

TEST_F(ReportGolden, TableByMetric) {
  request_.columns = "metric,steps";
  expect_golden("by_metric.txt", report(request_));
}

// Sets a text in a class and says what TeX complains of.
std::string typeset(const TemporaryFolder& folder, const std::string& document_class, const std::string& text) {
  folder.write("table.tex", "\\documentclass" + document_class +
                                "\\usepackage{booktabs,threeparttable,graphicx}\\begin{document}\n" + text +
                                "\\end{document}\n");
  const std::string compile = "cd " + folder.path().string() +
                              " && pdflatex -interaction=nonstopmode -halt-on-error table.tex >table.out </dev/null";
  EXPECT_EQ(std::system(compile.c_str()), 0) << document_class << read_file(folder.path() / "table.out");
  const std::string log = read_file(folder.path() / "table.log");
  for (const char* trouble : {"Missing character", "Overfull", "Package threeparttable Error"})
    EXPECT_EQ(log.find(trouble), std::string::npos) << document_class << ": " << trouble << "\n" << log;
  return log;
}

TEST_F(ReportGolden, LatexFitsColumnsOfAPaperAndOfAnArticle) {
  if (std::system(
          "command -v pdflatex >/dev/null && kpsewhich threeparttable.sty IEEEtran.cls ptmr7t.tfm >/dev/null") != 0)
    GTEST_SKIP() << "pdflatex with threeparttable, IEEEtran and Times is not installed: run tools/setup.sh test";
  request_.format = "latex";
  // With every character of ASCII and some that the default font lacks.
  std::string hostile;
  for (char c = ' '; c <= '~'; ++c) hostile += c;
  const std::string words = "\\noindent\\resizebox{\\linewidth}{!}{\\begin{tabular}{l}" +
                            latex_text(hostile + " žluťoučký 猫 \u202e ± − ω") + " \\\\ \\end{tabular}}\n";
  for (const char* columns : {"", "metric,steps"}) {
    request_.columns = columns;
    const std::string text = report(request_);
    typeset(folder_, "[conference]{IEEEtran}", text);
    typeset(folder_, "[twocolumn]{article}", text);
    typeset(folder_, "{article}", text + words);
  }
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
  to_file.outputs = {folder_.path() / "table.txt"};
  EXPECT_EQ(report(to_file), "");
  request_.colour = false;  // a file is no terminal
  EXPECT_EQ(read_file(to_file.outputs.front()), report(request_));
}

}  // namespace
}  // namespace fewstep
