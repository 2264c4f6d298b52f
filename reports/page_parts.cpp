#include "reports/page_parts.h"

#include "core/files.h"
#include "reports/assets.h"
#include "reports/safe_text.h"

#include <fmt/format.h>

#include <stdexcept>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;
using kainjow::mustache::data;

// method: one name for all labels, which a narrow screen shows instead; empty for none.
data row_of(const std::vector<std::string>& labels, const std::string& method, const std::vector<Entry>& entries,
            const std::map<std::string, std::string>& anchors) {
  data row;
  row.set("has_method", data(!method.empty()));
  row.set("method", one_line(method));
  data label_list(data::type::list), entry_list(data::type::list);
  for (const std::string& label : labels) {
    data one("text", one_line(label));
    const auto anchor = anchors.find(label);
    one.set("has_anchor", data(anchor != anchors.end()));
    if (anchor != anchors.end()) one.set("anchor", anchor->second);
    label_list.push_back(one);
  }
  for (const Entry& entry : entries) {
    data cell("text", one_line(entry.marked()));
    cell.set("best", data(entry.best));
    cell.set("front", data(entry.on_front));
    cell.set("missing", data(!entry.number));
    if (entry.number) cell.set("number", data(fmt::format("{}", *entry.number)));
    entry_list.push_back(cell);
  }
  row.set("labels", label_list);
  row.set("entries", entry_list);
  return row;
}

Json range_or_null(const FigurePoint::Range& range) {
  return range ? Json{range->first, range->second} : Json(nullptr);
}

Json axis_json(const FigureAxis& axis) {
  Json json = {{"title", one_line(axis.title)}, {"logarithmic", axis.logarithmic}, {"ticks", axis.ticks}};
  for (const std::string& label : axis.labels) json["labels"].push_back(one_line(label));
  return json;
}

}  // namespace

std::string policy_hash(std::string_view text) { return "'sha256-" + sha256(text, HashText::kBase64) + "'"; }

data sections_of(const Document& document) {
  data sections(data::type::list);
  for (std::size_t i = 0; i < document.sections.size(); ++i) {
    const Section& section = document.sections[i];
    data item("title", one_line(section.marked_title()));
    item.set("id", std::to_string(i + 1));
    data headers(data::type::list), columns(data::type::list), rows(data::type::list);
    for (const std::string& header : document.row_headers) headers.push_back(data("text", one_line(header)));
    for (const std::string& column : document.column_headers) columns.push_back(data("text", one_line(column)));
    for (std::size_t row = 0; row < section.entries.size(); ++row) {
      const auto& labels = document.labels(section, row);
      const bool more = section.has_own_rows || row >= document.row_labels.size();
      const std::string method = document.methods.empty() ? "" : more ? labels.front() : document.methods[row];
      rows.push_back(row_of(labels, method, section.entries[row], document.anchors));
    }
    data groups(data::type::list);
    for (const ColumnGroup& group : document.groups) {
      data head("text", one_line(group.title + group.marks));
      head.set("span", std::to_string(group.columns));
      groups.push_back(head);
    }
    item.set("has_groups", data(!document.groups.empty()));
    item.set("groups", groups);
    item.set("label_span", std::to_string(document.row_headers.size()));
    item.set("has_method", data(!document.methods.empty()));
    item.set("has_title", data(!section.title.empty()));
    item.set("headers", headers);
    item.set("columns", columns);
    item.set("rows", rows);
    sections.push_back(item);
  }
  return sections;
}

void set_notes(data& page, const Document& document) {
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
  page.set("has_provenance", data(!document.provenance.empty()));
  page.set("provenance", provenance);
}

nlohmann::ordered_json figure_json(const Figure& figure) {
  Json lines = Json::array(), missing = Json::array();
  for (const FigureLine& line : figure.lines) {
    Json points = Json::array();
    for (const FigurePoint& point : line.points)
      points.push_back({{"x", point.x},
                        {"y", point.y},
                        {"xRange", range_or_null(point.x_range)},
                        {"yRange", range_or_null(point.y_range)},
                        {"text", one_line(point.text)}});
    for (std::size_t i = 0; i < line.points.size(); ++i) {
      if (line.points[i].marked) points[i]["marked"] = true;
      if (!line.points[i].label.empty()) points[i]["label"] = one_line(line.points[i].label);
    }
    lines.push_back({{"label", one_line(line.label)}, {"number", line.number}, {"points", points}});
  }
  for (const std::string& text : figure.missing) missing.push_back(one_line(text));
  return {{"title", one_line(figure.title)}, {"x", axis_json(figure.x)}, {"y", axis_json(figure.y)}, {"lines", lines},
          {"front", figure.front},           {"missing", missing}};
}

void set_assets(data& page) {
  page.set("style", std::string(assets::kStyle));
  page.set("chart_js", std::string(assets::kChartJs));
  page.set("script", std::string(assets::kScript));
  page.set("policy",
           fmt::format("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
                       "style-src {}; script-src {} {}",
                       policy_hash(assets::kStyle), policy_hash(assets::kChartJs), policy_hash(assets::kScript)));
}

std::string script_json(const nlohmann::ordered_json& json) {
  const std::string text = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
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

std::string render_page(std::string_view skeleton, const data& page) {
  kainjow::mustache::mustache template_text{std::string(skeleton)};
  std::string html = template_text.render(page);
  if (!template_text.is_valid()) throw std::logic_error("a page's skeleton: " + template_text.error_message());
  return html;
}

}  // namespace fewstep
