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

#include <fmt/format.h>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;
using kainjow::mustache::data;

constexpr int kExtremesEach = 3;
constexpr std::size_t kMaxPageImageBytes = 7u << 20;
constexpr int kCaptionColumns = 1000;  // of captions more: no text encoder reads so far, and a page must stay small

std::string caption(const std::string& text) { return shortened(one_line(text), kCaptionColumns); }

Json place_json(const EmbeddedImages::Place& place) {
  return place.index >= 0 ? Json(place.index) : Json(place.instead);
}

Json gallery_json(const Gallery& gallery, const CellLines& lines) {
  Json prompts = Json::array(), names = Json::array(), columns = Json::array();
  for (const CellLine& line : lines.lines) names.push_back(one_line(line.label));
  for (const std::string& column : lines.columns) columns.push_back(one_line(column));
  for (std::size_t i = 0; i < gallery.prompts.size(); ++i) {
    Json tiles = Json::array();
    for (const auto& line : gallery.tiles[i]) {
      Json& row = tiles.emplace_back(Json::array());
      for (const auto& tile : line) row.push_back(place_json(tile));
    }
    prompts.push_back(
        {{"text", caption(gallery.prompts[i].text)}, {"row", gallery.prompts[i].row}, {"tiles", std::move(tiles)}});
  }
  return {{"lines", names}, {"columns", columns}, {"prompts", prompts}};
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

void set_texts(data& page, const ReportInput& input, const Document& document) {
  const StoredTable& table = input.table;
  data headlines(data::type::list);
  for (const std::string& text : make_headlines(input.store, table, read_trainings(input.store)))
    headlines.push_back(data("text", one_line(text)));
  page.set("headlines", headlines);
  page.set("title", one_line(document.title));
  page.set("experiment", one_line(table.run.experiment));
  page.set("run", fmt::format("run {}, {}", table.run.id, one_line(end_text(table.run))));
  page.set("version", FEWSTEP_VERSION);
  page.set("summary", summary_of(table));
  page.set("sections", sections_of(document));
  page.set("has_summary", data(true));
  set_notes(page, document);
  if (const auto text = table.facts.find("experiment"); text != table.facts.end())
    page.set("experiment_text", many_lines(text->second));
}

}  // namespace

std::string print_html(const ReportInput& input) {
  Store& store = input.store;
  const StoredTable& table = input.table;
  const CellLines lines = lines_by_steps(table.cells);
  EmbeddedImages images(store, kMaxPageImageBytes);
  const Gallery gallery = make_gallery(store, lines, images, input.grid_prompts);
  const auto extremes = make_extremes(store, table, lines, images, kExtremesEach);
  Json figures = Json::array();
  for (const Figure& figure : figures_of(input)) figures.push_back(figure_json(figure));

  data page;
  set_texts(page, input, document_of(input));
  page.set("has_figures", data(!figures.empty()));
  page.set("has_gallery", data(!gallery.prompts.empty()));
  page.set("gallery_note", one_line(gallery.note));
  page.set("has_extremes", data(!extremes.empty()));
  page.set("data", script_json({{"figures", std::move(figures)},
                                {"gallery", gallery_json(gallery, lines)},
                                {"extremes", extremes_json(extremes)},
                                {"images", images_json(images.images())}}));
  set_assets(page);
  return render_page(assets::kPage, page);
}

}  // namespace fewstep
