// One self-contained page: summary, tables, charts, images, prompts, provenance. Scripts, styles and images are inside;
// its policy allows no request and no script but ours.
#include "reports/assets.h"
#include "reports/document.h"
#include "reports/figures.h"
#include "reports/gallery.h"
#include "reports/headlines.h"
#include "reports/page_parts.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/summary.h"
#include "reports/table_document.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;
using kainjow::mustache::data;

constexpr int kExtremesEach = 3, kLossesEach = 6;
constexpr std::size_t kMaxPageImageBytes = 7u << 20;
constexpr int kCaptionColumns = 1000;  // of captions more: no text encoder reads so far, and a page must stay small

std::string caption(const std::string& text) { return shortened(one_line(text), kCaptionColumns); }

Json place_json(const EmbeddedImages::Place& place) {
  return place.index >= 0 ? Json(place.index) : Json(place.instead);
}

// To two decimals, as the page shows it; null where there is none.
Json score_json(const std::optional<double>& score) {
  return score ? Json(fmt::format("{:.2f}", *score)) : Json(nullptr);
}

Json gallery_json(const Gallery& gallery, const CellLines& lines) {
  Json prompts = Json::array(), names = Json::array(), columns = Json::array();
  for (const CellLine& line : lines.lines) names.push_back(one_line(line.label));
  for (const std::string& column : lines.columns) columns.push_back(one_line(column));
  for (std::size_t i = 0; i < gallery.prompts.size(); ++i) {
    Json tiles = Json::array(), scores = Json::array();
    for (std::size_t line = 0; line < lines.lines.size(); ++line) {
      Json &row = tiles.emplace_back(Json::array()), &numbers = scores.emplace_back(Json::array());
      for (const auto& tile : gallery.tiles[i][line]) row.push_back(place_json(tile));
      for (const auto& score : gallery.prompt_scores[i][line]) numbers.push_back(score_json(score));
    }
    prompts.push_back({{"text", caption(gallery.prompts[i].text)},
                       {"row", gallery.prompts[i].row},
                       {"tiles", std::move(tiles)},
                       {"scores", std::move(scores)}});
  }
  return {{"lines", names}, {"columns", columns}, {"prompts", prompts}, {"metric", one_line(gallery.metric)}};
}

Json losses_json(const std::vector<StudentLosses>& losses) {
  Json list = Json::array();
  for (const StudentLosses& lost : losses) {
    Json prompts = Json::array();
    for (const auto& item : lost.prompts)
      prompts.push_back({{"text", caption(item.prompt.text)},
                         {"row", item.prompt.row},
                         {"student", score_json(item.student)},
                         {"teacher", score_json(item.teacher)},
                         {"images", {place_json(item.student_image), place_json(item.teacher_image)}}});
    list.push_back({{"student", one_line(lost.pair.student_text)},
                    {"teacher", one_line(lost.pair.teacher_text)},
                    {"metric", one_line(lost.metric)},
                    {"prompts", std::move(prompts)}});
  }
  return list;
}

Json items_json(const std::vector<CellExtremes::Item>& items) {
  Json list = Json::array();
  for (const auto& item : items)
    list.push_back(
        {{"text", caption(item.score.prompt.text)}, {"value", item.score.value}, {"image", place_json(item.image)}});
  return list;
}

Json extremes_json(const std::vector<CellExtremes>& extremes) {
  Json list = Json::array();
  for (const CellExtremes& cell : extremes)
    list.push_back({{"cell", one_line(cell.cell)},
                    {"metric", one_line(cell.metric)},
                    {"best", items_json(cell.best)},
                    {"worst", items_json(cell.worst)}});
  return list;
}

Json images_json(const std::vector<EmbeddedImage>& images) {
  Json list = Json::array();
  for (const EmbeddedImage& image : images)
    list.push_back({{"width", image.width}, {"height", image.height}, {"png", image.base64}});
  return list;
}

data summary_of(const StoredTable& table) {
  data cards(data::type::list);
  for (const SummaryCard& card : make_summary(table)) {
    data item("title", one_line(card.title));
    item.set("value", one_line(card.value));
    item.set("detail", one_line(card.detail));
    item.set("warning", data(card.warning));
    cards.push_back(item);
  }
  return cards;
}

std::string names_of(std::span<const Arm> arms) {
  std::string names;
  for (const Arm& arm : arms) names += (names.empty() ? "" : " · ") + arm.name;
  return names;
}

void set_texts(data& page, const ReportInput& input, const Document& document, const std::vector<StudentPair>& pairs) {
  const StoredTable& table = input.table;
  data headlines(data::type::list);
  for (const std::string& text : make_headlines(store_of(input.arms), table, pairs))
    headlines.push_back(data("text", one_line(text)));
  page.set("headlines", headlines);
  page.set("has_headlines", data(!pairs.empty()));
  page.set("headline_rule", one_line(headline_rule(table.cells)));
  page.set("title", one_line(document.title));
  const bool alone = input.arms.size() == 1;
  page.set("experiment", one_line(alone ? table.run.experiment : names_of(input.arms)));
  page.set("run", one_line(alone ? fmt::format("run {}, {}", table.run.id, end_text(table.run)) : document.title));
  page.set("version", FEWSTEP_VERSION);
  page.set("summary", summary_of(table));
  page.set("sections", sections_of(document));
  page.set("has_summary", data(true));
  set_notes(page, document);
  if (const auto text = table.facts.find("experiment"); alone && text != table.facts.end())
    page.set("experiment_text", many_lines(text->second));
}

}  // namespace

std::vector<PagePicture> missing_pictures(const ReportInput& input) {
  EmbeddedImages none(0);
  const CellLines lines = lines_by_steps(input.table.cells);
  const StoreOf stores = store_of(input.arms);
  return missing_pictures(stores, make_extremes(stores, input.table, lines, none, kExtremesEach),
                          make_losses(stores, input.table, student_pairs(stores, input.table, trainings_of(input.arms)),
                                      none, kLossesEach));
}

std::string print_html(const ReportInput& input) {
  const StoredTable& table = input.table;
  const StoreOf stores = store_of(input.arms);
  const CellLines lines = lines_by_steps(table.cells);
  EmbeddedImages images(kMaxPageImageBytes);
  const auto pairs = student_pairs(stores, table, trainings_of(input.arms));
  const auto losses = make_losses(stores, table, pairs, images, kLossesEach);
  const Gallery gallery = make_gallery(stores, lines, images, input.grid_prompts);
  const auto extremes = make_extremes(stores, table, lines, images, kExtremesEach);
  Json figures = Json::array();
  for (const Figure& figure : figures_of(input)) figures.push_back(figure_json(figure));

  data page;
  set_texts(page, input, document_of(input), pairs);
  page.set("has_figures", data(!figures.empty()));
  page.set("has_gallery", data(!gallery.prompts.empty()));
  page.set("gallery_note", one_line(gallery.note));
  page.set("has_losses", data(!losses.empty()));
  page.set("has_extremes", data(!extremes.empty()));
  page.set("data", script_json({{"name", one_line(table.run.experiment)},
                                {"figures", std::move(figures)},
                                {"gallery", gallery_json(gallery, lines)},
                                {"losses", losses_json(losses)},
                                {"extremes", extremes_json(extremes)},
                                {"images", images_json(images.images())},
                                {"latex", print_latex(input)}}));
  set_assets(page);
  return render_page(assets::kPage, page);
}

}  // namespace fewstep
