#include "reports/view.h"

#include "core/error.h"
#include "core/names.h"
#include "reports/assets.h"
#include "reports/drawing.h"
#include "reports/page_parts.h"
#include "reports/printers.h"
#include "reports/safe_text.h"

#include <fmt/format.h>

#include <array>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;

std::string view_json(const View& view) {
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

std::string view_html(const View& view) {
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

}  // namespace

std::string print_figure(const std::vector<Figure>& figures, std::string_view format, int number) {
  if (number < 1 || number > static_cast<int>(figures.size()))
    throw usage_error("--figure", fmt::format("expected 1 to {}, got {}", figures.size(), number));
  const Figure& figure = figures[static_cast<std::size_t>(number - 1)];
  return format == "svg" ? draw_svg(figure) : draw_png(figure);
}

std::string print_view(const View& view, std::string_view format, bool colour, int figure, int columns) {
  if (format == "table") return terminal_text(view.document, colour, columns);
  if (format == "markdown") return markdown_of(view.document);
  if (format == "latex") return latex_of(view.document);
  if (format == "csv") return csv_of(view.document);
  if (format == "html") return view_html(view);
  if (format == "json") return view_json(view);
  if (format == "svg" || format == "png") return print_figure(view.figures, format, figure);
  throw usage_error("--format",
                    fmt::format("expected table, markdown, latex, csv, html, json, svg or png here, got {}", format));
}

}  // namespace fewstep
