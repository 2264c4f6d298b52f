// Histories, ablations, published numbers, and figures as pictures.
#include "core/error.h"
#include "core/files.h"
#include "images/files.h"
#include "reports/ablation.h"
#include "reports/browser.h"
#include "reports/history.h"
#include "reports/published.h"
#include "reports/report.h"
#include "reports/synthetic_store.h"
#include "store/database.h"
#include "store/training.h"
#include "temporary.h"
#include "verdicts/two_stores.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

std::string print(const ReportRequest& request) {
  std::ostringstream out, err;
  EXPECT_EQ(run_report(request, out, err), 0);
  return out.str();
}

class HistoryReport : public testing::Test {
 protected:
  // One checkpoint of a training, its CLIP score moved by so much.
  void add(const std::string& store, const std::string& name, double clip, const std::string& weights = "") {
    ArmStore arm;
    arm.checkpoint = name;
    arm.sha256 = sha256(weights.empty() ? store + name : weights);
    arm.cells[0].clip = clip;
    arm.jitter = 0.5;
    write_arm(folder_.path() / store, arm);
  }
  static std::vector<std::string> changes(const View& view) {
    std::vector<std::string> all;
    for (const auto& entries : view.document.sections.at(0).entries) all.push_back(entries.back().text);
    return all;
  }

  TemporaryFolder folder_;
};

TEST_F(HistoryReport, MarksChangesBeyondTheNoiseInTheOrderOfTraining) {
  add("a.sqlite", "step-1000", 0.01);  // run first, and yet the last
  add("a.sqlite", "step-200", 0.02);
  add("a.sqlite", "step-300", 1.5);
  add("a.sqlite", "step-400", 1.49);
  const View view = history_of({folder_.path() / "a.sqlite"}, "clip-score");
  EXPECT_THAT(view.document.sections.at(0).more_labels, ElementsAre(ElementsAre("step-200"), ElementsAre("step-300"),
                                                                    ElementsAre("step-400"), ElementsAre("step-1000")));
  EXPECT_THAT(changes(view), ElementsAre("first", "▲ better", "–", "▼ worse"));
  std::vector<bool> marked;
  for (const FigurePoint& point : view.figures.at(0).lines.at(0).points) marked.push_back(point.marked);
  EXPECT_THAT(marked, ElementsAre(false, true, false, true));
}

TEST_F(HistoryReport, KeepsTheNameUnderWhichWeightsWereFirstMeasured) {
  add("a.sqlite", "ck-100", 0.01, "weights of 100");
  add("a.sqlite", "latest", 0.01, "weights of 100");
  add("a.sqlite", "ck-200", 1.5, "weights of 200");
  add("a.sqlite", "latest", 1.5, "weights of 200");
  const View view = history_of({folder_.path() / "a.sqlite"}, "clip-score");
  EXPECT_THAT(view.document.sections.at(0).more_labels, ElementsAre(ElementsAre("ck-100"), ElementsAre("ck-200")));
}

TEST_F(HistoryReport, HasALineOfEachGridThatACheckpointHas) {
  for (const char* name : {"step-100", "step-200"}) {
    ArmStore arm;
    arm.checkpoint = name;
    arm.sha256 = sha256(name);
    arm.cells = {{}, {}};
    arm.cells[1].original_inference_steps = 20;
    write_arm(folder_.path() / "a.sqlite", arm);
  }
  const View view = history_of({folder_.path() / "a.sqlite"}, "clip-score");
  ASSERT_EQ(view.document.sections.size(), 2u);
  EXPECT_EQ(view.document.sections[0].title, "lcm · 4 steps · ω 8 · grid of 20");
  EXPECT_EQ(view.document.sections[1].title, "lcm · 4 steps · ω 8 · grid of 50");
  EXPECT_THAT(view.document.sections[1].more_labels, ElementsAre(ElementsAre("step-100"), ElementsAre("step-200")));
}

TEST_F(HistoryReport, IsOneLineWhereEachCheckpointHasAGridOfItsOwn) {
  for (const int grid : {20, 50}) {
    ArmStore arm;
    arm.checkpoint = "step-" + std::to_string(grid);
    arm.sha256 = sha256(arm.checkpoint);
    arm.cells[0].original_inference_steps = grid;
    write_arm(folder_.path() / "a.sqlite", arm);
  }
  const View view = history_of({folder_.path() / "a.sqlite"}, "clip-score");
  ASSERT_EQ(view.document.sections.size(), 1u);
  EXPECT_EQ(view.document.sections[0].title, "lcm · 4 steps · ω 8");
  EXPECT_THAT(view.document.sections[0].more_labels, ElementsAre(ElementsAre("step-20"), ElementsAre("step-50")));
}

TEST_F(HistoryReport, FindsADriftOfStepsThatAreSmallEach) {
  for (int i = 0; i < 8; ++i) add("a.sqlite", "step-" + std::to_string(i), -0.08 * i - 0.001);
  const auto found = changes(history_of({folder_.path() / "a.sqlite"}, "clip-score"));
  EXPECT_THAT(found, testing::Contains("▼ worse"));
  EXPECT_EQ(found[1], "–") << "one step is lost in the noise";
}

TEST_F(HistoryReport, GoesOverSeveralStoresInTheirOrder) {
  add("monday.sqlite", "lcm", 0.01);
  add("tuesday.sqlite", "lcm", -2);
  ReportRequest request;
  request.store = folder_.path() / "monday.sqlite";
  request.more_stores = {folder_.path() / "tuesday.sqlite"};
  request.history = "clip-score:transformers";
  const std::string text = print(request);
  EXPECT_LT(text.find("monday · lcm"), text.find("tuesday · lcm"));
  EXPECT_THAT(text, HasSubstr("▼ worse"));
  request.format = "json";
  EXPECT_EQ(nlohmann::json::parse(print(request)).at("sections").size(), 1u);
  request.history = "clipscore";
  std::ostringstream out, err;
  EXPECT_FEWSTEP_ERROR(run_report(request, out, err), ExitCode::kUsage, "did you mean \"clip-score\"?");
}

// Two runs of one checkpoint, whose cells only the store tells apart.
TEST_F(HistoryReport, SeveralStoresStandSideBySide) {
  add("monday.sqlite", "lcm", 0.01);
  add("tuesday.sqlite", "lcm", -2);
  ReportRequest request;
  request.store = folder_.path() / "monday.sqlite";
  request.more_stores = {(folder_.path() / "tuesday.sqlite").string()};
  request.format = "markdown";
  const std::string both = print(request);
  EXPECT_THAT(both, HasSubstr("## monday: "));
  EXPECT_THAT(both, HasSubstr("; tuesday: "));
  EXPECT_THAT(both, HasSubstr("| checkpoint | sampler | omega (scale) | store |"));
  EXPECT_THAT(both, HasSubstr("| monday |"));
  EXPECT_THAT(both, HasSubstr("| tuesday |"));
  request.only = "steps=4";
  EXPECT_THAT(print(request), Not(HasSubstr("1 step |")));
  request.metrics = {"clip-score"};
  const std::string scores = print(request);
  EXPECT_THAT(scores, HasSubstr("CLIP score"));
  EXPECT_THAT(scores, Not(HasSubstr("Network forwards")));
  request.metrics = {"clipscore"};
  std::ostringstream out, err;
  EXPECT_FEWSTEP_ERROR(run_report(request, out, err), ExitCode::kUsage, "did you mean \"clip-score\"?");
  request.metrics.clear();
  request.columns = "steps,metric";
  EXPECT_FEWSTEP_ERROR(run_report(request, out, err), ExitCode::kUsage, "metric as the first of --columns alone");
  request.columns.clear();
  request.ablation = "omega";
  EXPECT_FEWSTEP_ERROR(run_report(request, out, err), ExitCode::kUsage, "expected one store, got several");
}

// A distance falls as images are added: a store of more images would win by that alone.
TEST(SideBySide, OfUnequalNumbersOfImagesNothingIsTheBest) {
  const TemporaryFolder folder;
  ReportRequest request;
  SyntheticStore wanted;
  synthetic_store(request.store = folder.path() / "few.sqlite", wanted);
  wanted.images = 24;
  request.more_stores = {(folder.path() / "many.sqlite").string()};
  synthetic_store(request.more_stores[0], wanted);
  const auto print = [&] {
    std::ostringstream out, err;
    run_report(request, out, err);
    return out.str();
  };
  request.format = "markdown";
  request.metrics = {"fid"};
  const std::string unequal = print();
  EXPECT_THAT(unequal, Not(HasSubstr("**12")));
  EXPECT_THAT(unequal, HasSubstr("of unequal numbers of images"));
  request.format = "html";
  const std::string page = print();
  EXPECT_THAT(page, HasSubstr("\"front\":[]"));
  EXPECT_THAT(page, Not(HasSubstr("Best FID")));
  request.more_stores.clear();
  request.format = "markdown";
  EXPECT_THAT(print(), Not(HasSubstr("of unequal numbers of images")));
  request.format = "html";
  EXPECT_THAT(print(), HasSubstr("Best FID"));
}

TEST_F(HistoryReport, IsAPageToo) {
  if (!Browser::installed()) GTEST_SKIP() << "chromium and chromedriver are not installed: run tools/setup.sh test";
  add("a.sqlite", "step-100", 0.01);
  add("a.sqlite", "step-200 </script><b>", 1.5);
  ReportRequest request;
  request.store = folder_.path() / "a.sqlite";
  request.history = "clip-score";
  request.format = "html";
  Browser browser;
  browser.resize(1280, 900);
  browser.open(folder_.write("history.html", print(request)));
  EXPECT_EQ(browser.run("return document.querySelectorAll('#figures canvas').length > 0"), true);
  EXPECT_THAT(browser.run("return document.querySelector('#tables').textContent").get<std::string>(),
              HasSubstr("▲ better"));
  EXPECT_EQ(browser.run("return document.querySelectorAll('.card').length"), 0);
  EXPECT_THAT(browser.errors(), testing::IsEmpty());
  browser.screenshot(fs::path(FEWSTEP_BINARY_DIR).parent_path() / "screenshots/history.png", true);
}

class SyntheticViews : public testing::Test {
 protected:
  SyntheticViews() {
    SyntheticStore wanted;
    wanted.omegas = {4, 7};
    synthetic_store(request_.store = folder_.path() / "synthetic.sqlite", wanted);
  }
  TemporaryFolder folder_;
  ReportRequest request_;
};

TEST_F(SyntheticViews, PublishedRowsStandBelowOursWithTheirSource) {
  request_.published = "lcm-512";
  const std::string text = print(request_);
  EXPECT_THAT(text, HasSubstr("Guided-Distill ["));
  EXPECT_THAT(text, HasSubstr("108.21"));
  EXPECT_THAT(text, HasSubstr("arXiv 2310.04378"));
  EXPECT_THAT(text, HasSubstr("protocol is not ours"));
  EXPECT_LT(text.find("FID (pytorch-fid)"), text.find("183.29"));
  request_.format = "json";
  const auto json = nlohmann::json::parse(print(request_));
  EXPECT_EQ(json.at("published").at("rows").at(4).at("fid").at(2), 11.10);
  request_.format = "table";
  request_.columns = "sampler";  // no column is a number of steps
  EXPECT_THAT(print(request_), Not(HasSubstr("108.21")));
  request_.columns.clear();
  std::ostringstream out, err;
  request_.published = "lcm-guidance";
  EXPECT_FEWSTEP_ERROR(run_report(request_, out, err), ExitCode::kUsage, "over omega; --ablation shows them");
  request_.published = "lcm-521";
  EXPECT_FEWSTEP_ERROR(run_report(request_, out, err), ExitCode::kUsage, "did you mean \"lcm-512\"?");
}

TEST_F(SyntheticViews, AblationsShowASettingAlongTheColumns) {
  request_.ablation = "omega";
  request_.published = "lcm-guidance";
  const std::string text = print(request_);
  EXPECT_THAT(text, HasSubstr("ω 4"));
  EXPECT_THAT(text, HasSubstr("ω 7"));
  EXPECT_THAT(text, HasSubstr("lcm · 4 steps"));
  EXPECT_THAT(text, HasSubstr("12.30")) << "the paper's at 4 steps, omega 4";
  std::ostringstream out, err;
  request_.published.reset();
  request_.ablation = "skip_step";
  EXPECT_FEWSTEP_ERROR(run_report(request_, out, err), ExitCode::kUsage,
                       "expected cells with a skip step k, found none");
  request_.ablation = "original_inference_steps";
  EXPECT_THAT(print(request_), HasSubstr("50"));
}

// Two students, each on its own grid of 1000/k times and on grids that both have. k = 20 has its own of 50, k = 5 of
// 200: the grid of 50 is k = 20's own and k = 5 has it as well, so that it is a row beside that of own grids.
TEST(AblationOfSkipSteps, HasALineOfOwnGridsAndALineOfEachGridThatStudentsShare) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "k.sqlite";
  const auto cell = [](int grid, double clip) {
    ArmCell one;
    one.original_inference_steps = grid;
    one.clip = clip;
    return one;
  };
  const auto add = [&](int k, std::vector<ArmCell> cells) {
    ArmStore arm;
    arm.checkpoint = "k" + std::to_string(k);
    arm.sha256 = sha256(arm.checkpoint);
    arm.cells = std::move(cells);
    write_arm(path, arm);
    Store store = Store::open(path, Store::Mode::kWrite);
    add_training(store, {arm.sha256, R"({"method":"lcd","skip_step":)" + std::to_string(k) + "}", "[]", {}});
  };
  add(5, {cell(200, 1), cell(100, 2), cell(50, 3)});
  add(20, {cell(50, 4), cell(100, 5)});
  // One run of both.
  Store::open(path, Store::Mode::kWrite)
      .impl()
      .database.exec(
          "UPDATE run_cell SET run_id = 1, position = position + 3 WHERE run_id = 2; UPDATE score SET run_id = 1");
  ReportRequest request;
  request.store = path;
  request.run = 1;
  request.ablation = "skip_step";
  request.metrics = {"clip-score"};
  request.format = "csv";
  std::vector<std::pair<std::string, std::string>> rows;  // setting, column
  std::istringstream lines(print(request));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string metric, setting, column;
    for (std::string* field : {&metric, &setting, &column}) std::getline(fields, *field, ',');
    if (metric != "section") rows.emplace_back(setting, column);
  }
  EXPECT_THAT(rows, ElementsAre(std::pair("own grid", "k 5"), std::pair("own grid", "k 20"),
                                std::pair("grid of 50", "k 5"), std::pair("grid of 50", "k 20"),
                                std::pair("grid of 100", "k 5"), std::pair("grid of 100", "k 20")));
}

TEST(Ablations, HaveARowOfEachFinalSigma) {
  const TemporaryFolder folder;
  ArmStore arm;
  arm.cells.clear();
  for (const char* sigma : {"zero", "min"})
    for (const double omega : {2, 8}) {
      ArmCell cell;
      cell.omega = omega;
      cell.final_sigma = sigma;
      arm.cells.push_back(cell);
    }
  write_arm(folder.path() / "a.sqlite", arm);
  Store store = Store::open(folder.path() / "a.sqlite", Store::Mode::kRead);
  const View view = ablation_of(store, read_table(store), "omega", {});
  EXPECT_THAT(view.document.row_labels, ElementsAre(ElementsAre("final sigma min"), ElementsAre("final sigma zero")));
  EXPECT_EQ(view.document.column_headers.size(), 2u);
}

TEST(Ablations, SayNoTimesWhereSamplersTellRowsApart) {
  const TemporaryFolder folder;
  ArmStore arm;
  arm.cells = {{.sampler = "lcm", .omega = 2}, {.sampler = "lcm", .omega = 8}, {.sampler = "ddim", .omega = 8}};
  write_arm(folder.path() / "a.sqlite", arm);
  Store store = Store::open(folder.path() / "a.sqlite", Store::Mode::kRead);
  const View view = ablation_of(store, read_table(store), "omega", {});
  EXPECT_THAT(view.document.row_labels, ElementsAre(ElementsAre("lcm · ddim"), ElementsAre("lcm · grid of 50")));
}

TEST_F(SyntheticViews, FiguresArePicturesToo) {
  request_.format = "svg";
  request_.published = "lcm-512";
  const std::string svg = print(request_);
  EXPECT_THAT(svg, testing::StartsWith("<?xml"));
  EXPECT_GT(svg.size(), 5000u);
  request_.format = "png";
  request_.outputs = {folder_.path() / "figure.png"};
  print(request_);
  const Image image = read_image(request_.outputs.front());
  EXPECT_EQ(image.width, 1520);
  int coloured = 0;
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) coloured += std::abs(image.rgb[i] - image.rgb[i + 2]) > 60;
  EXPECT_GT(coloured, 2000) << "lines are drawn";
  request_.figure = 99;
  std::ostringstream out, err;
  EXPECT_FEWSTEP_ERROR(run_report(request_, out, err), ExitCode::kUsage, "--figure");
}

TEST(PublishedFiles, AreAllRead) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(FEWSTEP_SOURCE_DIR) / "results/published")) {
    if (entry.path().extension() != ".toml") continue;
    const Published published = read_published(entry.path().string());
    EXPECT_FALSE(published.rows.empty()) << entry.path();
    EXPECT_THAT(published.source, HasSubstr("arXiv"));
    ++files;
  }
  EXPECT_GE(files, 6);
}

TEST(PublishedFiles, AreReadStrictly) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& rest, const char* what) {
    const auto file = folder.write("p.toml", "title = \"t\"\nsource = \"s\"\nprotocol = \"p\"\n" + rest);
    EXPECT_FEWSTEP_ERROR(read_published(file.string()), ExitCode::kUsage, what);
  };
  refused("axis = \"step\"\nvalues = [1]\n", "did you mean \"steps\"?");
  refused("axis = \"steps\"\nvalues = [1, \"2\"]\n", "p.toml:5:14");
  refused("axis = \"steps\"\nvalues = [1, 2]\n[[row]]\nlabel = \"a\"\nfid = [1]\n", "a list of 2 numbers");
  refused("axis = \"steps\"\nvalues = [1]\n[[row]]\nlabel = \"a\"\nfdi = [1]\n", "did you mean \"fid\"?");
  refused("axis = \"steps\"\nvalues = [1]\n[[row]]\nlabel = \"a\"\nfid = [inf]\n", "a number, or nan");
}

}  // namespace
}  // namespace fewstep
