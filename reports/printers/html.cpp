// One self-contained page: summary, tables, charts, images, prompts, provenance. Scripts, styles and images are inside;
// its policy allows no request and no script but ours.
#include "core/files.h"
#include "reports/assets.h"
#include "reports/document.h"
#include "reports/figures.h"
#include "reports/gallery.h"
#include "reports/headlines.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/summary.h"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;
using kainjow::mustache::data;

constexpr int kExtremesEach = 3;
constexpr std::size_t kMaxPageImageBytes = 7u << 20;
constexpr int kCaptionColumns = 1000;  // of captions more: no text encoder reads so far, and a page must stay small

std::string caption(const std::string& text) { return shortened(one_line(text), kCaptionColumns); }

// 'sha256-…' of an inline script or style, for the page's policy: what is not one of ours does not run, even if
// escaping had a hole.
std::string policy_hash(std::string_view text) { return "'sha256-" + sha256(text, HashText::kBase64) + "'"; }

data row_of(const std::vector<std::string>& labels, const std::vector<Entry>& entries) {
  data row;
  data label_list(data::type::list), entry_list(data::type::list);
  for (const std::string& label : labels) label_list.push_back(data("text", one_line(label)));
  for (const Entry& entry : entries) {
    data cell("text", one_line(entry.text));
    cell.set("best", data(entry.best));
    cell.set("missing", data(!entry.number));
    if (entry.number) cell.set("number", data(fmt::format("{}", *entry.number)));
    entry_list.push_back(cell);
  }
  row.set("labels", label_list);
  row.set("entries", entry_list);
  return row;
}

data sections_of(const Document& document) {
  data sections(data::type::list);
  for (std::size_t i = 0; i < document.sections.size(); ++i) {
    const Section& section = document.sections[i];
    data item("title", one_line(section.title));
    item.set("id", std::to_string(i + 1));
    data headers(data::type::list), columns(data::type::list), rows(data::type::list);
    for (const std::string& header : document.row_headers) headers.push_back(data("text", one_line(header)));
    for (const std::string& column : document.column_headers) columns.push_back(data("text", one_line(column)));
    for (std::size_t row = 0; row < section.entries.size(); ++row)
      rows.push_back(row_of(document.labels(section, row), section.entries[row]));
    item.set("headers", headers);
    item.set("columns", columns);
    item.set("rows", rows);
    sections.push_back(item);
  }
  return sections;
}

Json range_or_null(const FigurePoint::Range& range) {
  return range ? Json{range->first, range->second} : Json(nullptr);
}

Json axis_json(const FigureAxis& axis) {
  return {{"title", one_line(axis.title)}, {"logarithmic", axis.logarithmic}, {"ticks", axis.ticks}};
}

Json figure_json(const Figure& figure) {
  Json lines = Json::array(), missing = Json::array();
  for (const FigureLine& line : figure.lines) {
    Json points = Json::array();
    for (const FigurePoint& point : line.points)
      points.push_back({{"x", point.x},
                        {"y", point.y},
                        {"xRange", range_or_null(point.x_range)},
                        {"yRange", range_or_null(point.y_range)},
                        {"text", one_line(point.text)}});
    lines.push_back({{"label", one_line(line.label)}, {"number", line.number}, {"points", points}});
  }
  for (const std::string& text : figure.missing) missing.push_back(one_line(text));
  return {{"title", one_line(figure.title)}, {"x", axis_json(figure.x)}, {"y", axis_json(figure.y)}, {"lines", lines},
          {"front", figure.front},           {"missing", missing}};
}

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

// JSON that can stand in a script element: ASCII, and no "<" that could end it.
std::string script_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
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
  data notes(data::type::list), provenance(data::type::list);
  for (std::size_t i = 0; i < document.notes.size(); ++i) {
    data note("mark", std::to_string(i + 1));
    note.set("text", one_line(document.notes[i]));
    notes.push_back(note);
  }
  for (const auto& [name, text] : document.provenance) {
    data line("name", name);
    line.set("text", one_line(text));
    provenance.push_back(line);
  }
  page.set("notes", notes);
  page.set("provenance", provenance);
  if (const auto text = table.facts.find("experiment"); text != table.facts.end())
    page.set("experiment_text", many_lines(text->second));
}

}  // namespace

std::string print_html(const ReportInput& input) {
  auto& [store, table, arrangement, colour, grid_prompts] = input;
  const CellLines lines = lines_by_steps(table.cells);
  EmbeddedImages images(store, kMaxPageImageBytes);
  const Gallery gallery = make_gallery(store, lines, images, grid_prompts);
  const auto extremes = make_extremes(store, table, lines, images, kExtremesEach);
  Json figures = Json::array();
  for (const Figure& figure : make_figures(table, read_trainings(store))) figures.push_back(figure_json(figure));

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
  page.set("style", std::string(assets::kStyle));
  page.set("chart_js", std::string(assets::kChartJs));
  page.set("script", std::string(assets::kScript));
  page.set("policy",
           fmt::format("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
                       "style-src {}; script-src {} {}",
                       policy_hash(assets::kStyle), policy_hash(assets::kChartJs), policy_hash(assets::kScript)));
  kainjow::mustache::mustache skeleton{std::string(assets::kPage)};
  std::string html = skeleton.render(page);
  if (!skeleton.is_valid()) throw std::logic_error("reports/assets/page.mustache: " + skeleton.error_message());
  return html;
}

}  // namespace fewstep
