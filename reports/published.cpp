#include "reports/published.h"

#include "core/checkout.h"
#include "core/error.h"
#include "core/names.h"
#include "metrics/catalog.h"
#include "reports/notes.h"
#include "reports/scores.h"
#include "settings/toml/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPublishedAxes{"steps", "omega", "skip_step", "original_inference_steps"};

fs::path find_file(const std::string& name) {
  if (name.ends_with(".toml")) return name;
  const auto folder = find_in_checkout("results/published");
  std::vector<std::string> names;
  if (folder)
    for (const auto& entry : fs::directory_iterator(*folder))
      if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw usage_error("--published", unknown_name(name, std::span<const std::string>(names)));
  return *folder / (name + ".toml");
}

// A list of numbers as long as the axis.
std::vector<double> read_numbers(const TomlTable& table, std::string_view key, std::size_t length) {
  const toml::node& node = table.require(key, "a list of numbers");
  const toml::array* list = node.as_array();
  if (!list || (length > 0 && list->size() != length) || list->size() > 1000)
    table.expected(node, length > 0 ? fmt::format("a list of {} numbers", length) : "a list of numbers");
  std::vector<double> numbers;
  for (const toml::node& one : *list) {
    const auto number = one.value<double>();
    if (!number || std::isinf(*number)) table.expected(one, "a number, or nan");
    numbers.push_back(*number);
  }
  return numbers;
}

std::string number_text_of(double value) { return std::isfinite(value) ? fmt::format("{:.2f}", value) : "–"; }

std::string note_of(const Published& published) {
  return "published: " + published.source + "; " + published.protocol +
         ". Its protocol is not ours: compare rows of one protocol alone";
}

}  // namespace

Published read_published(const std::string& name_or_file) {
  const fs::path file = find_file(name_or_file);
  const toml::table parsed = read_toml(file, {});
  const TomlTable root(parsed, file.string(), "the file", {"title", "source", "protocol", "axis", "values", "row"});
  Published published{file.stem().string(),
                      root.text("title"),
                      root.text("source"),
                      root.text("protocol"),
                      root.text("axis"),
                      read_numbers(root, "values", 0),
                      {}};
  index_of_name(kPublishedAxes, published.axis, root.where("axis"));
  std::vector<std::string_view> known{"label"};
  for (const MetricInfo& metric : kMetrics) known.push_back(metric.name);
  for (const toml::table* one : root.tables("row")) {
    const TomlTable table(*one, file.string(), "[[row]]", known);
    PublishedRow row{table.text("label"), {}};
    for (const MetricInfo& metric : kMetrics)
      if (table.has(metric.name))
        row.metrics[std::string(metric.name)] = read_numbers(table, metric.name, published.values.size());
    published.rows.push_back(std::move(row));
  }
  return published;
}

void add_published(Document& document, const Published& published, const std::vector<double>& columns,
                   const std::vector<std::string>& metric_of_section) {
  const std::string mark = Notes(document.notes).mark(note_of(published));
  for (const MetricInfo& metric : kMetrics) {
    const std::string name(metric.name);
    const bool any = std::any_of(published.rows.begin(), published.rows.end(),
                                 [&](const PublishedRow& row) { return row.metrics.contains(name); });
    if (!any) continue;
    const auto ours = std::find(metric_of_section.begin(), metric_of_section.end(), name);
    Section* section = nullptr;
    if (ours != metric_of_section.end()) {
      section = &document.sections[static_cast<std::size_t>(ours - metric_of_section.begin())];
    } else {
      document.sections.push_back(
          {fmt::format("{} {}, published alone", metric.title, metric.higher_is_better ? "↑" : "↓"), {}, {}});
      section = &document.sections.back();
      section->has_own_rows = true;
    }
    for (const PublishedRow& row : published.rows) {
      const auto found = row.metrics.find(name);
      if (found == row.metrics.end()) continue;
      std::vector<std::string> labels(document.row_headers.size(), "");
      if (!labels.empty()) labels[0] = row.label + mark;
      std::vector<Entry> entries;
      for (const double column : columns) {
        double value = std::numeric_limits<double>::quiet_NaN();
        for (std::size_t i = 0; i < published.values.size(); ++i)
          if (published.values[i] == column) value = found->second[i];
        entries.push_back({number_text_of(value), false, std::isfinite(value) ? std::optional(value) : std::nullopt});
      }
      section->more_labels.push_back(std::move(labels));
      section->entries.push_back(std::move(entries));
    }
  }
}

void add_published(Figure& figure, const Published& published, const std::string& metric) {
  std::size_t number = 0;
  for (const FigureLine& line : figure.lines) number = std::max(number, line.number + 1);
  number = std::max<std::size_t>(number, 6);  // dashed: not ours
  for (const PublishedRow& row : published.rows) {
    const auto found = row.metrics.find(metric);
    if (found == row.metrics.end()) continue;
    FigureLine line{row.label + " (published)", number++, {}};
    for (std::size_t i = 0; i < published.values.size(); ++i) {
      const double value = found->second[i];
      if (std::isfinite(value))
        line.points.push_back({published.values[i], value, {}, {}, fmt::format("{}: {:.2f}", line.label, value)});
    }
    if (!line.points.empty()) figure.lines.push_back(std::move(line));
  }
}

}  // namespace fewstep
