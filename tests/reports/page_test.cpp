#include "reports/report.h"

#include "reports/browser.h"
#include "reports/synthetic_store.h"
#include "store/database.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>

namespace fewstep {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::filesystem::path kScreenshots = std::filesystem::path(FEWSTEP_BINARY_DIR).parent_path() / "screenshots";
const std::string kHostile = "<script>alert(1)</script>";

SyntheticStore full_store() {
  SyntheticStore wanted;
  wanted.images = 24;
  wanted.captions = {
      "a red boat on a calm lake at dawn, oil painting",
      kHostile,
      "portrait of an astronaut, studio light, 85mm",
      "</script><img src=x onerror=alert(2)> \u202eevil & \"quoted\"",
      "a very long prompt that goes on and on about the light in the trees, the dew on the grass, a fox that looks "
      "back "
      "over its shoulder, trending, highly detailed, 8k, volumetric light, soft shadows, and a word without end: "
      "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsversammlungsprotokoll",
      "two cats asleep on a green sofa",
      "isometric city block, pastel colours",
      "ein Leuchtturm im Sturm, Aquarell",
      "macro photograph of a bee on lavender"};
  wanted.omegas = {4, 7};
  wanted.kept_images = 12;
  wanted.fid_error = 12;
  wanted.scored_prompts = true;
  wanted.lost_prompts = 6;
  return wanted;
}

// A page of full_store() in Chromium, 1280 × 900, light.
class Page : public testing::Test {
 protected:
  void SetUp() override {
    if (!Browser::installed()) GTEST_SKIP() << "chromium and chromedriver are not installed: run tools/setup.sh test";
    write_page(full_store());
    browser_ = std::make_unique<Browser>();
    browser_->resize(1280, 900);
    browser_->prefer_dark(false);
    browser_->open(page_);
  }

  void TearDown() override {
    if (!browser_) return;
    EXPECT_THAT(browser_->errors(), IsEmpty());
  }

  void write_page(const SyntheticStore& wanted) {
    ReportRequest request;
    const std::string name = "store-" + std::to_string(++stores_);
    synthetic_store(request.store = folder_.path() / (name + ".sqlite"), wanted);
    request.format = "html";
    page_ = folder_.path() / (name + ".html");
    request.outputs = {page_};
    std::ostringstream out, err;
    ASSERT_EQ(run_report(request, out, err), 0);
  }

  nlohmann::json run(const std::string& script) { return browser_->run(script); }
  // The text of every element that a selector finds, without the mark of the front.
  std::vector<std::string> texts(const std::string& selector) {
    return run("return [...document.querySelectorAll(" + nlohmann::json(selector).dump() +
               ")].map((found) => found.textContent.replace('◆', ''))");
  }
  void focus(const std::string& selector) {
    run("document.querySelector(" + nlohmann::json(selector).dump() + ").focus()");
  }
  void shoot(const std::string& name, const std::string& section) {
    run("document.getElementById('" + section + "').scrollIntoView()");
    browser_->screenshot(kScreenshots / (name + ".png"));
  }

  int stores_ = 0;
  TemporaryFolder folder_;
  std::filesystem::path page_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(Page, AsksForNothingButItself) {
  for (const std::string& url : browser_->requests())
    EXPECT_TRUE(url == "file://" + page_.string() || url.starts_with("data:")) << url;
  EXPECT_LT(std::filesystem::file_size(page_), 8u << 20);
  EXPECT_EQ(run("return document.querySelectorAll('script').length"), 3);
  // Its policy stops what escaping might miss.
  run("const script = document.createElement('script'); script.textContent = 'window.ran = true'; "
      "document.body.append(script)");
  EXPECT_EQ(run("return window.ran === undefined"), true);
  EXPECT_THAT(browser_->errors(), ElementsAre(HasSubstr("Content Security Policy")));
}

TEST_F(Page, SaysFirstWhatMatters) {
  EXPECT_THAT(texts("#summary .value"), ElementsAre("18 of 24", "12.50 ± 1.50", "27.14 ± 0.002", "91.8 ms per image"));
  EXPECT_THAT(texts("#summary .detail"),
              ElementsAre("2 failed, 2 incomplete, 2 not run", StartsWith("lcm · ω\u00a07 · 8 steps, 24 images"),
                          StartsWith("lcm · ω\u00a07 · 8 steps, 24 images"), "lcm · ω\u00a04 · 1 step"));
  EXPECT_THAT(texts("main > section > h2"),
              ElementsAre("Summary", "Tables", "Figures", "Images", "Where students lose most",
                          "Best and worst prompts", "Provenance"));
}

TEST_F(Page, SortsByAColumnAndKeepsGapsLast) {
  const std::string button = "#tables th:nth-of-type(5) button";
  const std::string column = "#numbers-1 tbody td:nth-of-type(1)";
  EXPECT_THAT(texts(column), ElementsAre("186.29 ± 12.00", "183.29 ± 12.00", "failed [2]", "failed [2]",
                                         "38.36 ± 12.00", "35.36 ± 12.00"));
  browser_->click(button);
  EXPECT_THAT(texts(column), ElementsAre("35.36 ± 12.00", "38.36 ± 12.00", "183.29 ± 12.00", "186.29 ± 12.00",
                                         "failed [2]", "failed [2]"));
  EXPECT_EQ(run("return document.querySelector('#tables th:nth-of-type(5)').ariaSort"), "ascending");
  focus(button);
  browser_->press(Browser::kEnter);
  EXPECT_THAT(texts(column), ElementsAre("186.29 ± 12.00", "183.29 ± 12.00", "38.36 ± 12.00", "35.36 ± 12.00",
                                         "failed [2]", "failed [2]"));
  EXPECT_THAT(texts("#numbers-1 tbody th:nth-of-type(2)"),
              ElementsAre("sd21-base", "sd21-base", "lcm", "lcm", "sd21-base", "sd21-base"));
  EXPECT_THAT(texts("#sorted"), ElementsAre("Sorted by 1 step, descending"));
}

TEST_F(Page, TheSliderChangesTheImages) {
  const std::string sources = "return [...document.querySelectorAll('#prompt-0 img')].map((image) => image.src)";
  const auto eight = run(sources);
  EXPECT_EQ(eight.size(), 4u);
  EXPECT_THAT(texts("#steps-value"), ElementsAre("8 steps"));
  EXPECT_THAT(texts("#prompt-0 .absent"), ElementsAre("not run", "not run"));
  focus("#steps");
  browser_->press(Browser::kLeft);
  EXPECT_THAT(texts("#steps-value"), ElementsAre("4 steps"));
  EXPECT_EQ(run(sources).size(), 6u);  // the five images of an incomplete cell are there
  EXPECT_NE(run(sources)[0], eight[0]);
  EXPECT_THAT(texts("#prompt-5 .absent"), ElementsAre("incomplete 5/24", "incomplete 5/24"));
  browser_->press(Browser::kLeft, 2);
  EXPECT_THAT(texts("#steps-value"), ElementsAre("1 step"));
  EXPECT_THAT(texts("#prompt-0 .absent"), ElementsAre("failed", "failed"));
  EXPECT_EQ(run("return [...document.images].every((image) => !image.src || (image.complete && (image.naturalWidth === "
                "64 || image.offsetParent === null)))"),
            true);
  EXPECT_EQ(run("return getComputedStyle(document.querySelector('#prompt-0 img')).imageRendering"), "pixelated");
}

TEST_F(Page, TheFilterHidesOtherPrompts) {
  const std::string shown =
      "return [...document.querySelectorAll('.prompt')].filter((prompt) => "
      "prompt.checkVisibility()).map((prompt) => prompt.querySelector('h3').textContent)";
  EXPECT_EQ(run(shown).size(), 8u);
  browser_->type("#filter", "SCRIPT");
  EXPECT_EQ(run(shown), nlohmann::json({kHostile, "</script><img src=x onerror=alert(2)> \\u202eevil & \"quoted\""}));
  EXPECT_THAT(texts("#filter-count"), ElementsAre("2 of 8 prompts"));
  browser_->type("#filter", " no such words");
  EXPECT_EQ(run(shown).size(), 0u);
}

TEST_F(Page, AnImageIsEnlargedByClickOrEnterAndEscapeCloses) {
  const std::string open = "return document.getElementById('enlarged').open";
  const std::string title = "return document.getElementById('enlarged-title').textContent";
  EXPECT_EQ(run(open), false);
  browser_->click("#prompt-1 .tile button");
  EXPECT_EQ(run(open), true);
  EXPECT_EQ(run(title), "sd21-base · ddim · ω\u00a04 · 8 steps");
  EXPECT_THAT(texts("#enlarged-caption"), ElementsAre(kHostile));
  EXPECT_GT(run("return document.getElementById('enlarged-image').getBoundingClientRect().width"), 500);
  browser_->screenshot(kScreenshots / "enlarged.png");
  const auto eight = run("return document.getElementById('enlarged-image').src");
  browser_->press(Browser::kLeft);
  EXPECT_EQ(run(title), "sd21-base · ddim · ω\u00a04 · 4 steps");
  EXPECT_NE(run("return document.getElementById('enlarged-image').src"), eight);
  browser_->press(Browser::kEscape);
  EXPECT_EQ(run(open), false);
  EXPECT_EQ(run("return document.activeElement.closest('.prompt').id"), "prompt-1");
  browser_->press(Browser::kEnter);
  EXPECT_EQ(run(open), true);
  browser_->click("#enlarged-close");
  EXPECT_EQ(run(open), false);
}

TEST_F(Page, HostileCaptionsAreText) {
  EXPECT_THAT(texts("#prompt-1 h3"), ElementsAre(kHostile));
  EXPECT_THAT(texts("#prompt-3 h3"), ElementsAre(HasSubstr("</script><img src=x")));
  EXPECT_EQ(run("return document.querySelectorAll('img[src=\"x\"], #grid script').length"), 0);
  EXPECT_THAT(texts(".notes dd"), testing::Contains(HasSubstr("<b>|\\x1b[31mred\\n")));
  EXPECT_EQ(run("return document.querySelectorAll('.notes b').length"), 0);
}

TEST_F(Page, TheBestAndWorstPromptsOfACellAreListed) {
  EXPECT_THAT(texts("#extreme-lists .number"), ElementsAre("19.03", "19.03", "18.03", "9.03", "9.03", "9.03"));
  EXPECT_EQ(texts("#cell option").size(), 18u);
  focus("#cell");
  run("const cell = document.getElementById('cell'); cell.value = 17; cell.dispatchEvent(new Event('change'))");
  EXPECT_THAT(texts("#extreme-lists .number").front(), "32.14");
  EXPECT_THAT(texts("#extreme-lists h3"),
              ElementsAre("Best by CLIP score (transformers) ↑", "Worst by CLIP score (transformers) ↑"));
}

TEST_F(Page, FiguresShowEveryMetricWithItsErrors) {
  EXPECT_THAT(texts("figure > h3"),
              ElementsAre("FID (pytorch-fid) ↓ against steps", "CLIP score (transformers) ↑ against steps",
                          "FID (pytorch-fid) ↓ against time", "CLIP score (transformers) ↑ against time",
                          "CLIP score against FID over ω"));
  // The lower end of the lowest line's error bar has the line's colour; nothing is drawn beside or below it.
  const auto pixels = run(R"(
    const { chart } = charts[0], line = chart.data.datasets.at(-1), point = line.data[0], { x, y } = chart.scales;
    const ratio = chart.currentDevicePixelRatio, left = x.getPixelForValue(point.x), end = y.getPixelForValue(point.yRange[0]);
    const at = (dx, dy) => [...chart.ctx.getImageData(Math.round((left + dx) * ratio), Math.round((end + dy) * ratio), 1, 1).data];
    const strongest = [-1, 0, 1].map((dx) => at(dx, -2)).sort((a, b) => b[3] - a[3])[0];  // it may lie between two pixels
    return [line.label, point.y - point.yRange[0], line.borderColor, strongest, at(-7, -2), at(0, 3)])");
  EXPECT_EQ(pixels[0], "lcm · ω\u00a07");
  EXPECT_NEAR(pixels[1].get<double>(), 12, 1e-9);
  EXPECT_EQ(pixels[2], "#9A6A00");
  EXPECT_GT(pixels[3][3], 60);                                                 // drawn
  EXPECT_GT(pixels[3][0].get<int>() - pixels[3][2].get<int>(), 60) << pixels;  // more red than blue
  EXPECT_EQ(pixels[4][3], 0) << pixels;
  EXPECT_EQ(pixels[5][3], 0) << pixels;
  EXPECT_EQ(run("return charts[0].chart.scales.x.ticks.map(({ label }) => label)"),
            nlohmann::json({"1", "2", "4", "8"}));
  EXPECT_EQ(run("return charts[2].chart.scales.x.ticks.map(({ label }) => label)"),
            nlohmann::json({"100", "200", "500", "1000"}));
  EXPECT_EQ(run("return logarithmicTicks(3.6, 17).join()"), "4,5,6,7,8,9,10");
  EXPECT_THAT(texts("figure figcaption").front(), HasSubstr("sd21-base · dpm · ω\u00a04: 1 step failed"));
}

TEST_F(Page, ALegendHidesItsLineInEveryFigure) {
  const std::string visible =
      "return charts.map(({ chart }) => chart.data.datasets.map((set, i) => [set.label, "
      "chart.isDatasetVisible(i)]).find(([label]) => label === 'lcm · ω\u00a07')?.[1])";
  EXPECT_EQ(run(visible).dump(), "[true,true,true,true,null]");
  focus(".figures figure:nth-of-type(2) .legend li:nth-of-type(6) button");
  browser_->press(Browser::kEnter);
  EXPECT_EQ(run(visible).dump(), "[false,false,false,false,null]");
  browser_->click("#theme");
  EXPECT_EQ(run(visible).dump(), "[false,false,false,false,null]");
}

TEST_F(Page, ArrowKeysWalkThroughThePointsOfAFigure) {
  focus(".chart canvas");
  browser_->press(Browser::kRight);
  EXPECT_THAT(texts("#point-0"), ElementsAre("sd21-base · ddim · ω\u00a04 · 1 step: FID 186.29 ± 12.00"));
  browser_->press(Browser::kRight);
  EXPECT_THAT(texts("#point-0"), ElementsAre("sd21-base · ddim · ω\u00a04 · 2 steps: FID 132.61 ± 6.00"));
}

// Every text's contrast with what is behind it, the smallest first: [ratio, tag, text].
constexpr const char* kContrasts = R"(
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
    const v = c[i] / 255;
    return sum + w * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || ['SCRIPT', 'NOSCRIPT'].includes(node.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.tagName, walker.currentNode.data.trim()]);
  }
  return found.sort((a, b) => a[0] - b[0]);)";

TEST_F(Page, DarkModeFollowsTheSystemAndTheButtonAndEveryTextHasContrast) {
  const std::string background = "return getComputedStyle(document.body).backgroundColor";
  EXPECT_EQ(run(background), "rgb(255, 255, 255)");
  auto contrasts = run(kContrasts);
  EXPECT_GT(contrasts.size(), 200u);
  EXPECT_GE(contrasts[0][0], 4.5) << contrasts[0];
  shoot("summary-light", "summary");
  shoot("figures-light", "figures");
  shoot("time-light", "figure-2");
  shoot("omega-light", "figure-4");
  shoot("extremes-light", "extremes");
  browser_->prefer_dark(true);
  EXPECT_EQ(run(background), "rgb(20, 22, 26)");
  contrasts = run(kContrasts);
  EXPECT_GE(contrasts[0][0], 4.5) << contrasts[0];
  shoot("summary-dark", "summary");
  shoot("figures-dark", "figures");
  shoot("gallery-dark", "gallery");
  browser_->click("#theme");
  EXPECT_EQ(run(background), "rgb(255, 255, 255)");
  EXPECT_EQ(run("return charts[0].chart.options.scales.x.title.color"), "#1a1c20");
  browser_->prefer_dark(false);
  browser_->click("#theme");
  EXPECT_EQ(run(background), "rgb(20, 22, 26)");
  EXPECT_EQ(run("return document.getElementById('theme').ariaPressed"), "true");
  EXPECT_EQ(run("return charts[0].chart.options.scales.x.title.color"), "#eceef2");
  EXPECT_EQ(run("return charts[0].chart.getDatasetMeta(0).data[0].options.backgroundColor"), "#56B4E9");
}

TEST_F(Page, TheTabKeyReachesEverythingAndShowsWhereItIs) {
  const int count = run(R"(
    window.waiting = new Set([...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
      .filter((node) => node.checkVisibility() && !node.disabled));
    return window.waiting.size)");
  EXPECT_GT(count, 100);
  const std::string step = R"(
    window.waiting.delete(document.activeElement);
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle === 'none' ? 0 : parseFloat(outlineWidth))";
  for (int i = 0; i < count; ++i) {
    browser_->press(Browser::kTab);
    ASSERT_GE(run(step), 2) << run("return document.activeElement.outerHTML.slice(0, 200)");
  }
  EXPECT_EQ(run("return [...window.waiting].map((node) => node.outerHTML.slice(0, 100))"), nlohmann::json::array());
}

TEST_F(Page, TheMatrixShowsOnePromptInEveryCellWithItsScore) {
  const auto rows = texts("#matrix tbody th");
  EXPECT_EQ(rows.size(), 6u);
  EXPECT_THAT(texts("#matrix thead th"), ElementsAre("", "1 step", "2 steps", "4 steps", "8 steps"));
  EXPECT_EQ(run("return document.querySelectorAll('#matrix .score').length"), 24);
  EXPECT_THAT(run("return document.querySelector('#matrix .score').textContent").get<std::string>(),
              testing::MatchesRegex("[0-9]+\\.[0-9][0-9]"));
  EXPECT_THAT(texts("#matrix-metric"), ElementsAre("Below each picture: its CLIP score (transformers) ↑."));
  const auto first = texts("#matrix-caption");
  EXPECT_EQ(run("return document.getElementById('prompt-previous').disabled"), true);
  browser_->click("#prompt-next");
  EXPECT_NE(texts("#matrix-caption"), first);
  EXPECT_EQ(run("return document.getElementById('prompt-choice').value"), "1");
  browser_->click("#prompt-previous");
  EXPECT_EQ(texts("#matrix-caption"), first);
  browser_->click("#matrix tbody tr:nth-of-type(1) td:nth-of-type(1) button");
  EXPECT_EQ(run("return document.getElementById('enlarged').open"), true);
  shoot("matrix", "gallery");
}

TEST_F(Page, TheLostPromptsShowStudentAndTeacher) {
  EXPECT_THAT(texts("#loss-lists h3"), ElementsAre(HasSubstr(" against sd21-base · ")));
  const int prompts = run("return document.querySelectorAll('#loss-lists li').length");
  EXPECT_EQ(prompts, 6);
  EXPECT_EQ(run("return document.querySelectorAll('#loss-lists .tile').length"), 2 * prompts);
  // The worst first.
  const std::string losses = "return page.losses[0].prompts.map((prompt) => prompt.teacher - prompt.student)";
  const std::vector<double> lost = run(losses);
  EXPECT_TRUE(std::is_sorted(lost.rbegin(), lost.rend()));
  EXPECT_GT(lost.front(), 14);
  EXPECT_EQ(
      run("return page.losses[0].prompts.every((prompt) => prompt.images.every((image) => typeof image === 'number'))"),
      true)
      << "kept pictures of both";
}

TEST_F(Page, TheFrontIsInTheTableAndInTheFigure) {
  const int in_table = run("return document.querySelectorAll('#numbers-1 .front-mark').length");
  const int in_figure = run(
      "return page.figures.find((figure) => figure.title.startsWith('FID') && figure.title.endsWith('against time'))"
      ".front.length");
  EXPECT_EQ(in_table, in_figure);
  EXPECT_GT(in_table, 1);
}

TEST_F(Page, PointsSayTheirStepsAndAFigureCanBeZoomed) {
  EXPECT_EQ(run("return page.figures.find((figure) => figure.title.endsWith('against time')).lines[0].points[0].label"),
            "1");
  const std::string logarithmic = "return charts[0].chart.options.scales.y.type";
  const std::string before = run(logarithmic);
  browser_->click("#figure-list figure:nth-of-type(1) .tools button:nth-of-type(1)");
  EXPECT_NE(run(logarithmic), before);
  EXPECT_EQ(run("return outliersOf({lines: [{points: [1, 2, 3, 2, 1, 500].map((y) => ({ y }))}]})"),
            nlohmann::json({500}));
  EXPECT_EQ(run("return outliersOf({lines: [{points: [1, 2, 3, 2, 1, 5].map((y) => ({ y }))}]}).length"), 0);
}

TEST_F(Page, TablesAndFiguresAreSavedAsFiles) {
  run("window.saved = []; const make = URL.createObjectURL.bind(URL);"
      "URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push([blob.type, text])); return make(blob); "
      "}");
  browser_->click("#tables-tools button");
  browser_->click(".table-tools button");
  browser_->click("#figure-list figure:nth-of-type(1) .tools button:last-of-type");
  nlohmann::json saved;
  for (int i = 0; i < 100 && saved.size() < 3; ++i) saved = run("return saved");
  ASSERT_EQ(saved.size(), 3u);
  EXPECT_THAT(saved[0][1].get<std::string>(), HasSubstr("\\begin{threeparttable}"));
  EXPECT_THAT(saved[1][1].get<std::string>(),
              StartsWith("checkpoint,sampler,omega (scale),1 step,2 steps,4 steps,8 steps\r\nsd21-base,ddim,4 (5),"));
  EXPECT_THAT(saved[2][1].get<std::string>(), StartsWith("line,x,y,x_low,x_high,y_low,y_high,text\r\n"));
}

TEST_F(Page, ColumnsOfNumbersAreEquallyWide) {
  const std::vector<double> widths =
      run("return [...document.querySelectorAll('#numbers-1 tbody tr:first-child td')].map((cell) => "
          "cell.getBoundingClientRect().width)");
  ASSERT_EQ(widths.size(), 4u);
  for (const double width : widths) EXPECT_NEAR(width, widths[0], 1.5);
}

TEST_F(Page, OnAPhoneOneNameStandsForAllLabelsAndStays) {
  browser_->resize(390, 844, true);
  browser_->open(page_);
  EXPECT_EQ(run("return getComputedStyle(document.querySelector('#numbers-1 tbody .method')).display"), "table-cell");
  EXPECT_EQ(run("return getComputedStyle(document.querySelector('#numbers-1 tbody th:nth-of-type(2)')).display"),
            "none");
  EXPECT_EQ(texts("#numbers-1 tbody .method")[0], "sd21-base · ddim · ω\u00a04");
  const std::string left = "return document.querySelector('#numbers-1 tbody .method').getBoundingClientRect().left";
  const double before = run(left);
  run("document.querySelector('#numbers-1').parentElement.scrollLeft = 200");
  EXPECT_NEAR(run(left).get<double>(), before, 1) << "the first column stays";
}

TEST_F(Page, APhoneScrollsInOneDirection) {
  for (const int width : {390, 320}) {
    browser_->resize(width, 844, true);
    browser_->open(page_);
    EXPECT_EQ(run("return document.documentElement.scrollWidth"), width);
    EXPECT_EQ(run("return innerWidth"), width);
    EXPECT_EQ(run("scrollTo(100, 0); return scrollX"), 0);
  }
  browser_->resize(390, 844, true);
  browser_->screenshot(kScreenshots / "phone.png", true);
}

TEST_F(Page, OfARunThatHasJustBegunSaysSo) {
  ReportRequest request;
  request.store = folder_.path() / "begun.sqlite";
  synthetic_store(request.store)
      .impl()
      .database.exec(
          "DELETE FROM score; DELETE FROM timing_sample; DELETE FROM sample; UPDATE run_cell SET state = 'planned'");
  request.format = "html";
  request.outputs = {folder_.path() / "begun.html"};
  std::ostringstream out, err;
  ASSERT_EQ(run_report(request, out, err), 0);
  browser_->open(request.outputs.front());
  EXPECT_THAT(texts("#summary .value"), ElementsAre("0 of 12"));
  EXPECT_THAT(texts("#summary .detail"), ElementsAre("12 not run"));
  EXPECT_THAT(texts("main > section > h2"), ElementsAre("Summary", "Tables", "Provenance"));
  EXPECT_THAT(texts("tbody td"), Each(StartsWith("not run")));
}

TEST_F(Page, TenThousandSamplesOpenInUnderTwoSeconds) {
  SyntheticStore wanted = full_store();
  wanted.images = 1100;
  wanted.omegas = {7};
  const auto seconds_since = [](auto begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  ReportRequest request;
  synthetic_store(request.store = folder_.path() / "large.sqlite", wanted);
  request.format = "html";
  request.outputs = {folder_.path() / "large.html"};
  std::ostringstream out, err;
  auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(run_report(request, out, err), 0);
  const double written = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  browser_->open(request.outputs.front());
  const double opened = seconds_since(begin);
  std::cout << "written in " << written << " s, opened in " << opened << " s\n";
  EXPECT_LT(written + opened, 2.0);
  EXPECT_THAT(texts("#prompt-1 h3"), ElementsAre(kHostile));
  EXPECT_THAT(texts("#summary .value").front(), "9 of 12");
}

}  // namespace
}  // namespace fewstep
