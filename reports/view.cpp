#include "reports/view.h"

#include "core/error.h"
#include "core/names.h"
#include "reports/assets.h"
#include "reports/drawing.h"
#include "reports/page_parts.h"
#include "reports/safe_text.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string json_of_view(const View& view, const ViewOptions&) {
  Json sections = Json::array(), figures = Json::array();
  for (const Section& section : view.document.sections) {
    Json rows = Json::array();
    for (std::size_t row = 0; row < section.entries.size(); ++row) {
      Json entries = Json::array();
      for (const Entry& entry : section.entries[row])
        entries.push_back({{"text", entry.marked()},
                           {"number", entry.number ? Json(*entry.number) : Json(nullptr)},
                           {"best", entry.best}});
      rows.push_back({{"labels", view.document.labels(section, row)}, {"entries", std::move(entries)}});
    }
    sections.push_back({{"title", section.marked_title()}, {"rows", std::move(rows)}});
  }
  for (const Figure& figure : view.figures) figures.push_back(figure_json(figure));
  return Json{{"title", view.document.title},
              {"columns", view.document.column_headers},
              {"sections", std::move(sections)},
              {"figures", std::move(figures)},
              {"notes", view.document.notes}}
             .dump(2, ' ', true, Json::error_handler_t::replace) +
         "\n";
}

std::string html_of_view(const View& view, const ViewOptions&) {
  Json figures = Json::array();
  for (const Figure& figure : view.figures) figures.push_back(figure_json(figure));
  kainjow::mustache::data page;
  page.set("title", one_line(view.document.title));
  page.set("experiment", one_line(view.document.title));
  page.set("version", FEWSTEP_VERSION);
  page.set("has_summary", kainjow::mustache::data(false));
  page.set("sections", sections_of(view.document));
  set_notes(page, view.document);
  page.set("has_figures", kainjow::mustache::data(!figures.empty()));
  page.set("has_gallery", kainjow::mustache::data(false));
  page.set("has_losses", kainjow::mustache::data(false));
  page.set("has_extremes", kainjow::mustache::data(false));
  page.set("data", script_json({{"name", one_line(view.document.title)},
                                {"figures", std::move(figures)},
                                {"gallery", nullptr},
                                {"losses", Json::array()},
                                {"extremes", Json::array()},
                                {"images", Json::array()}}));
  set_assets(page);
  return render_page(assets::kPage, page);
}

std::string table_of_view(const View& view, const ViewOptions& options) {
  return terminal_text(view.document, options.colour, options.columns);
}
std::string markdown_of_view(const View& view, const ViewOptions&) { return markdown_of(view.document); }
std::string latex_of_view(const View& view, const ViewOptions&) { return latex_of(view.document); }
std::string csv_of_view(const View& view, const ViewOptions&) { return csv_of(view.document); }
std::string svg_of_view(const View& view, const ViewOptions& options) {
  return draw_svg(figure_at(view.figures, options.figure));
}
std::string png_of_view(const View& view, const ViewOptions& options) {
  return draw_png(figure_at(view.figures, options.figure));
}

const Figure& figure_at(const std::vector<Figure>& figures, int number) {
  if (number < 1 || number > static_cast<int>(figures.size()))
    throw usage_error("--figure", fmt::format("expected 1 to {}, got {}", figures.size(), number));
  return figures[static_cast<std::size_t>(number - 1)];
}

}  // namespace fewstep
