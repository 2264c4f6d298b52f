#include "reports/printers.h"

#include "core/error.h"
#include "core/files.h"
#include "images/files.h"
#include "reports/assets.h"
#include "reports/embedded_images.h"
#include "reports/figures.h"
#include "reports/gallery.h"
#include "reports/report.h"
#include "reports/synthetic_store.h"
#include "reports/training_figures.h"
#include "store/database.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

// All that lies between begin and end becomes "…".
std::string without(std::string text, const std::string& begin, const std::string& end) {
  for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    at += begin.size();
    text.replace(at, text.find(end, at) - at, "…");
  }
  return text;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto at = text.find(begin) + begin.size();
  return text.substr(at, text.find(end, at) - at);
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(FEWSTEP_TEST_DATA) / "reports" / name;
  if (std::getenv("FEWSTEP_REMAKE_GOLDEN")) write_file_atomically(path, text);
  EXPECT_EQ(text, read_file(path)) << "remake with: FEWSTEP_REMAKE_GOLDEN=1 " << FEWSTEP_BINARY_DIR
                                   << "/fewstep_reports_tests, and look at the difference";
}

class Html : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "synthetic.sqlite"; }

  std::string report(const SyntheticStore& wanted = {}, int grid_prompts = 8) {
    ReportRequest request;
    synthetic_store(request.store = path(), wanted);
    request.format = "html";
    request.grid_prompts = grid_prompts;
    std::ostringstream out, err;
    EXPECT_EQ(run_report(request, out, err), 0);
    return out.str();
  }
  nlohmann::json data(const std::string& html) {
    return nlohmann::json::parse(between(html, "<script type=\"application/json\" id=\"data\">", "</script>"));
  }

  TemporaryFolder folder_;
};

SyntheticStore hostile_store() {
  SyntheticStore wanted;
  wanted.captions = {"<script>alert(1)</script>", "</script><!-- <img src=x onerror=alert(2)>",
                     "a boat \xff\u202e \x1b[31m"};
  wanted.kept_images = 3;
  wanted.scored_prompts = true;
  return wanted;
}

TEST_F(Html, SkeletonOfAPage) {
  std::string html = report(hostile_store());
  html = without(without(html, "<style>", "</style>"), "<script>", "</script>");
  html = without(without(html, "id=\"data\">", "</script>"), "'sha256-", "'");
  expect_golden("page.html", html);
}

TEST_F(Html, DataOfAPage) {
  nlohmann::json json = data(report(hostile_store()));
  ASSERT_EQ(json["images"].size(), 30u);  // of 9 complete cells and an incomplete one, 3 each
  for (auto& image : json["images"]) image["png"] = image["png"].get<std::string>().substr(0, 8) + "…";
  expect_golden("page_data.json", json.dump(1) + "\n");
}

TEST_F(Html, HoldsNoMarkupOfACaption) {
  const std::string html = report(hostile_store());
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, Not(HasSubstr("<!-- ")));
  EXPECT_THAT(html, Not(HasSubstr("\x1b")));
  EXPECT_THAT(html, HasSubstr("out of memory at prompt &quot;&lt;b&gt;|\\x1b[31mred\\n&quot;"));
  const auto json = data(html);
  EXPECT_EQ(json["gallery"]["prompts"][0]["text"], "<script>alert(1)</script>");
  EXPECT_EQ(json["gallery"]["prompts"][2]["text"], "a boat \uFFFD\\u202e \\x1b[31m");
  EXPECT_THAT(between(html, "id=\"data\">", "</script>"), Not(HasSubstr("<")));
}

TEST_F(Html, HoldsNoMarkupOfANameOrAMessage) {
  const std::string evil = "<img src=x onerror=alert(3)>";
  {
    Store store = synthetic_store(path(), hostile_store());
    for (const char* set : {"run SET experiment", "run_cell SET checkpoint_name", "run_cell SET message",
                            "series SET sampler", "series SET spacing", "series SET negative_prompt",
                            "metric SET protocol", "checkpoint SET path", "checkpoint SET kind"})
      store.impl().database.exec("UPDATE " + std::string(set) + " = '" + evil + "'");
  }
  ReportRequest request;
  request.store = path();
  request.format = "html";
  std::ostringstream out, err;
  EXPECT_EQ(run_report(request, out, err), 0);
  EXPECT_EQ(out.str().find("<img src"), std::string::npos);
  std::size_t escaped = 0;
  for (auto at = out.str().find("&lt;img src"); at != std::string::npos; at = out.str().find("&lt;img src", at + 1))
    ++escaped;
  EXPECT_GT(escaped, 30u);
}

TEST_F(Html, StaysSmallWhateverACaptionHolds) {
  SyntheticStore wanted = hostile_store();
  wanted.captions[0] = std::string(1 << 20, 'w');
  const std::string html = report(wanted);
  EXPECT_LT(html.size(), 2'000'000u);
  EXPECT_EQ(data(html)["gallery"]["prompts"][0]["text"], std::string(999, 'w') + "…");
}

TEST_F(Html, LoadsNothing) {
  const std::string html = report();
  for (const char* loads : {"src=\"http", "src=\"/", "href=\"http", "@import", "url(", "rel=\"stylesheet"})
    EXPECT_EQ(html.find(loads), std::string::npos) << loads;
  EXPECT_NE(html.find("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"), std::string::npos);
}

TEST_F(Html, ShowsThePromptsThatMostCellsHave) {
  SyntheticStore wanted = hostile_store();
  wanted.kept_images = 7;  // the incomplete cell has 5
  const auto prompts = data(report(wanted, 6))["gallery"]["prompts"];
  ASSERT_EQ(prompts.size(), 6u);
  EXPECT_EQ(prompts[5]["row"], 5);
  EXPECT_TRUE(prompts[4]["tiles"][1][2].is_number());
  EXPECT_EQ(prompts[5]["tiles"][1][2], "incomplete 5/12");
  EXPECT_EQ(prompts[0]["tiles"][1][0], "failed");
  EXPECT_EQ(prompts[0]["tiles"][1][3], "not run");
}

TEST_F(Html, WithoutKeptImagesHasNoGallery) {
  const std::string html = report();
  EXPECT_THAT(html, Not(HasSubstr("id=\"gallery\"")));
  EXPECT_THAT(html, Not(HasSubstr("id=\"extremes\"")));
  EXPECT_THAT(html, HasSubstr("id=\"figures\""));
}

TEST_F(Html, IsRefusedOnATerminalAndTakenByAFileOrAPipe) {
  ReportRequest request;
  synthetic_store(request.store = path());
  request.format = "html";
  request.terminal = true;
  std::ostringstream out, err;
  EXPECT_FEWSTEP_ERROR(run_report(request, out, err), ExitCode::kUsage, "expected -o FILE");
  EXPECT_EQ(out.str(), "");
  request.outputs = {folder_.path() / "page.html"};
  EXPECT_EQ(run_report(request, out, err), 0);
  EXPECT_EQ(out.str(), "");
  request.terminal = false;
  request.outputs.clear();
  EXPECT_EQ(run_report(request, out, err), 0);
  EXPECT_EQ(out.str(), read_file(folder_.path() / "page.html"));
}

TEST_F(Html, BestAndWorstPromptsAreOrderedAndNeverTheSame) {
  Store store = synthetic_store(path(), hostile_store());
  const MetricKey clip{"clip-score", "transformers", std::string(64, '1'), 1, true};
  const auto of_four = prompt_extremes(store, 1, clip, 3);
  ASSERT_EQ(of_four.best.size(), 3u);
  EXPECT_GT(of_four.best[0].value, of_four.best[2].value - 1e-9);
  EXPECT_LT(of_four.worst[0].value, of_four.worst[2].value + 1e-9);
  EXPECT_GT(of_four.best[2].value, of_four.worst[2].value);
  // More than there are: each prompt once.
  const auto all = prompt_extremes(store, 1, clip, 100);
  EXPECT_EQ(all.best.size(), 6u);
  EXPECT_EQ(all.worst.size(), 6u);
  std::set<std::int64_t> ids;
  for (const auto* list : {&all.best, &all.worst})
    for (const PromptScore& score : *list) ids.insert(score.prompt.id);
  EXPECT_EQ(ids.size(), 12u);
  // Less is better: the same prompts the other way round.
  MetricKey less = clip;
  less.higher_is_better = false;
  EXPECT_EQ(prompt_extremes(store, 1, less, 1).best[0].value, all.worst[0].value);
  EXPECT_THAT(prompt_extremes(store, 1, {"fid", "pytorch-fid", std::string(64, '2'), 1, false}, 3).best, IsEmpty());
}

class Images : public testing::Test {
 protected:
  Images() : store_(synthetic_store(folder_.path() / "store" / "s.sqlite")) {}

  std::string png(const std::string& name, int size = 8) {
    write_png(folder_.path() / "store" / name, {size, size, std::vector<std::uint8_t>(3u * size * size, 7)});
    return name;
  }
  std::string instead(EmbeddedImages& images, const std::string& path) {
    return images.add(store_, {"", path}).instead;
  }

  std::pair<Store*, StoredSample> of(const std::string& path) { return {&store_, {"", path}}; }

  TemporaryFolder folder_;
  Store store_;
};

TEST_F(Images, AreEmbeddedOnceAndWhole) {
  EmbeddedImages images(1 << 20);
  EXPECT_EQ(images.add(store_, {"", png("a.png")}).index, 0);
  EXPECT_EQ(images.add(store_, {"", png("b.png", 9)}).index, 1);
  EXPECT_EQ(images.add(store_, {"", "a.png"}).index, 0);
  ASSERT_EQ(images.images().size(), 2u);
  EXPECT_EQ(images.images()[1].width, 9);
  EXPECT_EQ(images.images()[0].base64, base64(read_file(folder_.path() / "store" / "a.png")));
}

TEST_F(Images, ThatCannotBeShownSayWhy) {
  EmbeddedImages images(1 << 20);
  folder_.write("store/text.png", "no image");
  folder_.write("store/torn.png", read_file(folder_.path() / "store" / png("whole.png")).substr(0, 60));
  folder_.write("store/photo.png", "BM a bitmap under another name, long enough for a header of fifty-four bytes");
  std::filesystem::create_directory(folder_.path() / "store" / "folder.png");
  write_png(folder_.path() / "secret.png", {8, 8, std::vector<std::uint8_t>(192, 9)});
  std::filesystem::create_symlink(folder_.path() / "secret.png", folder_.path() / "store" / "link.png");
  EXPECT_EQ(instead(images, ""), "image not kept: --remake-pictures makes it");
  EXPECT_EQ(instead(images, "nothing.png"), "image file is missing");
  EXPECT_EQ(instead(images, "folder.png"), "image is no file");
  EXPECT_EQ(instead(images, "text.png"), "image is no PNG of ours");
  EXPECT_EQ(instead(images, "torn.png"), "image is no PNG of ours");
  EXPECT_THAT(instead(images, "photo.png"), testing::StartsWith("image "));
  EXPECT_EQ(instead(images, "../secret.png"), "image cannot be read");
  EXPECT_EQ(instead(images, (folder_.path() / "secret.png").string()), "image cannot be read");
  EXPECT_EQ(instead(images, "link.png"), "image lies outside the store's folder");
  EXPECT_THAT(images.images(), IsEmpty());
}

TEST_F(Images, StopAtTheLimit) {
  const std::size_t one = base64(read_file(folder_.path() / "store" / png("a.png"))).size();
  png("b.png");
  png("c.png");
  EmbeddedImages images(2 * one);
  std::vector<EmbeddedImages::Place> places;
  EXPECT_FALSE(images.add_all({of("a.png"), of("b.png"), of("c.png")}, places));
  EXPECT_THAT(places, IsEmpty());
  EXPECT_TRUE(images.add_all({of("a.png"), of("a.png"), of("b.png")}, places));
  EXPECT_EQ(places.size(), 3u);
  EXPECT_EQ(instead(images, "c.png"), "left out to keep the page small");
  EXPECT_EQ(images.images().size(), 2u);
}

TEST(Gallery, TakesAsManyWholePromptsAsFit) {
  const TemporaryFolder folder;
  Store store = synthetic_store(folder.path() / "s.sqlite", hostile_store());
  const auto table = read_table(store);
  const auto lines = lines_by_steps(table.cells);
  struct Shown {
    Gallery gallery;
    std::size_t images = 0, bytes = 0;
  };
  const auto show = [&](std::size_t limit) {
    EmbeddedImages images(limit);
    Shown shown{make_gallery(store_of(store), lines, images, 3), images.images().size(), 0};
    for (const EmbeddedImage& image : images.images()) shown.bytes += image.base64.size();
    return shown;
  };
  const Shown all = show(1 << 22);
  EXPECT_EQ(all.gallery.prompts.size(), 3u);
  EXPECT_EQ(all.gallery.note, "");
  EXPECT_EQ(all.images, 30u);
  const Shown two = show(all.bytes * 8 / 10);
  EXPECT_EQ(two.gallery.note, "2 of the 3 prompts asked for: more images would make the page too large.");
  EXPECT_EQ(two.images, 20u);
  const Shown part = show(all.bytes / 5);  // the first prompt is there, though in part
  EXPECT_EQ(part.gallery.prompts.size(), 1u);
  EXPECT_GT(part.images, 3u);
  EXPECT_LT(part.images, 10u);
  EXPECT_LE(part.bytes, all.bytes / 5);
}

TEST(Base64, FollowsRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

TEST(ParetoFront, KeepsWhatNothingBeatsInBoth) {
  EXPECT_THAT(pareto_front({{3, 5}, {1, 9}, {2, 9}, {2, 7}, {4, 6}, {3, 5}}, false),
              ElementsAre(Pair(1, 9), Pair(2, 7), Pair(3, 5)));
  EXPECT_THAT(pareto_front({{3, 5}, {1, 9}, {2, 10}, {2, 7}, {4, 6}}, true), ElementsAre(Pair(1, 9), Pair(2, 10)));
  EXPECT_THAT(pareto_front({}, true), IsEmpty());
}

TEST(Figures, HaveAPointOfEachMeasuredCellAndNameTheOthers) {
  const TemporaryFolder folder;
  SyntheticStore wanted;
  wanted.omegas = {4, 7};
  Store store = synthetic_store(folder.path() / "s.sqlite", wanted);
  const auto table = read_table(store);
  const auto figures = make_figures(table);
  ASSERT_EQ(figures.size(), 5u);
  const Figure& fid = figures[0];
  EXPECT_TRUE(fid.x.logarithmic);
  EXPECT_THAT(fid.x.ticks, ElementsAre(1, 2, 4, 8));
  ASSERT_EQ(fid.lines.size(), 6u);
  EXPECT_EQ(fid.lines[0].label, "sd21-base · ddim · ω\u00a04");
  EXPECT_EQ(fid.lines[1].points.size(), 4u);
  EXPECT_DOUBLE_EQ(fid.lines[1].points[2].x, 4);
  EXPECT_DOUBLE_EQ(fid.lines[1].points[2].y, 183.29 / 2);
  const FigurePoint& point = fid.lines[1].points[2];
  EXPECT_DOUBLE_EQ(point.y_range->second - point.y, 1.25 / 4);
  EXPECT_DOUBLE_EQ(point.y - point.y_range->first, 1.25 / 4);
  EXPECT_EQ(fid.missing.at(0), "sd21-base · dpm · ω\u00a04: 1 step failed, 4 steps incomplete 5/12, 8 steps not run");
  const Figure& time = figures[2];
  ASSERT_EQ(time.front.size(), 4u);  // of the LCM with ω 7
  EXPECT_NEAR(time.front[0].first, 63.5 + 4.5 + 23.75, 1e-9);
  EXPECT_DOUBLE_EQ(time.front[3].second, 35.36 / std::sqrt(8));
  const Figure& omega = figures[4];
  EXPECT_EQ(omega.title, "CLIP score against FID over ω");
  EXPECT_EQ(omega.lines[0].points.size(), 2u);
  EXPECT_TRUE(omega.lines[0].points[0].x_range.has_value());
}

TEST(Figures, AreLogarithmicWhereAMetricSpansMoreThanADecade) {
  const TemporaryFolder folder;
  Store store = synthetic_store(folder.path() / "s.sqlite");
  auto table = read_table(store);
  const auto scale = [&](double largest) {
    for (StoredCell& cell : table.cells)
      for (StoredScore& score : cell.scores)
        if (score.metric.name == "fid" && std::isfinite(score.score.value))
          score.score.value = cell.key.steps == 1 ? largest : 10;
    return make_figures(table)[0].y.logarithmic;
  };
  EXPECT_FALSE(scale(99));
  EXPECT_TRUE(scale(101));
}

TEST(Figures, NameCheckpointAndSamplerOnceWhereTheyAreOneWord) {
  const TemporaryFolder folder;
  Store store = synthetic_store(folder.path() / "s.sqlite");
  const auto lines = make_figures(read_table(store))[0].lines;
  std::vector<std::string> labels;
  for (const FigureLine& line : lines) labels.push_back(line.label);
  EXPECT_THAT(labels, ElementsAre("sd21-base · ddim", "sd21-base · dpm", "lcm"));
}

TEST(Figures, FollowAMetricThroughTheTrainingOfACheckpoint) {
  const TemporaryFolder folder;
  Store store = synthetic_store(folder.path() / "s.sqlite");
  StoredTable table = read_table(store);
  // The LCM's cells as those of a training that was kept after 75 and after 150 steps.
  const std::string sha = table.cells.back().key.checkpoint_sha256;
  std::erase_if(table.cells, [](const StoredCell& cell) { return cell.key.sampler != "lcm" || cell.key.steps > 2; });
  ASSERT_EQ(table.cells.size(), 2U);
  table.checkpoints.clear();
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string step = i == 0 ? "75" : "150";
    table.cells[i].key.checkpoint_name = "lcm-k5-" + step;
    table.cells[i].key.checkpoint_sha256 = sha + step;
    table.cells[i].key.steps = 4;
    table.checkpoints.push_back({sha + step, "lcm-k5-" + step, "/x/lcm-k5-at-" + step, "consistency"});
  }
  const auto figures = make_figures(table);
  const auto found = std::find_if(figures.begin(), figures.end(), [](const Figure& figure) {
    return figure.title == "FID (pytorch-fid) ↓ against training iterations";
  });
  ASSERT_NE(found, figures.end());
  for (const Figure& figure : figures)
    EXPECT_FALSE(figure.title.ends_with("↓ against steps") || figure.title.ends_with("↑ against steps"))
        << figure.title;
  ASSERT_EQ(found->lines.size(), 1U);
  EXPECT_EQ(found->lines[0].label.substr(0, 6), "lcm-k5");
  ASSERT_EQ(found->lines[0].points.size(), 2U);
  EXPECT_EQ(found->lines[0].points[0].x, 75);
  EXPECT_EQ(found->lines[0].points[1].x, 150);
  EXPECT_EQ(found->lines[0].points[1].y, table.cells[1].scores.at(0).score.value);
}

TEST(LossFigure, HasEachTrainingOnceWithMeansOfWindows) {
  TrainingRecord half{"a", "{}", "[]", {}};
  for (int step = 1; step <= 200; ++step) half.losses.push_back({"lcd", step, 2.0 * step, 0, 0});
  TrainingRecord whole = half;
  whole.checkpoint_sha256 = "b";
  for (int step = 201; step <= 250; ++step) whole.losses.push_back({"lcd", step, 2.0 * step, 0, 0});
  whole.losses.push_back({"second", 1, 7, 0, 0});
  const std::vector<StoredCheckpoint> checkpoints{
      {"a", "lcm-200", "/x/lcm-at-200", ""}, {"b", "lcm-250", "/x/lcm-at-250", ""}, {"c", "teacher", "/x/teacher", ""}};
  const auto figure = loss_figure({half, whole}, checkpoints);
  ASSERT_TRUE(figure);
  ASSERT_EQ(figure->lines.size(), 2U);
  EXPECT_EQ(figure->lines[0].label, "lcm · lcd");
  ASSERT_EQ(figure->lines[0].points.size(), 84U);  // windows of 3
  EXPECT_EQ(figure->lines[0].points[0].x, 3);
  EXPECT_EQ(figure->lines[0].points[0].y, 4);
  EXPECT_EQ(figure->lines[0].points.back().x, 250);
  EXPECT_EQ(figure->lines[1].label, "lcm · second");
  EXPECT_FALSE(loss_figure({}, checkpoints));
}

TEST(KeptAt, IsReadFromTheFolderAlone) {
  EXPECT_EQ(kept_at({"", "lcm-k1-75", "/results/x.trained/lcm-k1-at-75", ""})->iterations, 75);
  EXPECT_EQ(kept_at({"", "lcm-k1-75", "/results/x.trained/lcm-k1-at-75", ""})->training, "lcm-k1");
  EXPECT_EQ(kept_at({"", "mine", "lcm-at-600", ""})->training, "mine");
  EXPECT_FALSE(kept_at({"", "lcm", "/results/lcm", ""}));
  EXPECT_FALSE(kept_at({"", "lcm", "/at-home/lcm-at-", ""}));
  EXPECT_FALSE(kept_at({"", "lcm", "look-at-me", ""}));
}

TEST(Assets, EndNoScriptBeforeTheirEnd) {
  for (const auto script : {assets::kScript, assets::kChartJs})
    EXPECT_EQ(script.find("</script"), std::string_view::npos);
  EXPECT_NE(assets::kChartJs.find("Released under the MIT License"), std::string_view::npos);
  EXPECT_EQ(assets::kScript.find("innerHTML"), std::string_view::npos);
}

}  // namespace
}  // namespace fewstep
