#include "verdicts/gate.h"

#include "core/names.h"
#include "core/tripwires.h"
#include "metrics/catalog.h"
#include "settings/cells.h"
#include "settings/toml/kinds.h"
#include "settings/toml/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace fewstep {
namespace {

// "3%", "3 %" or 0.2.
Size read_size(const TomlTable& table, std::string_view key) {
  const toml::node& node = table.require(key, "a number, or a part of the baseline's value as \"3%\"");
  Size size;
  if (const auto number = node.value<double>()) {
    size.value = *number;
  } else {
    std::string text = node.value<std::string>().value_or("");
    const auto percent = text.find_last_not_of(' ');
    const bool has_percent = percent != std::string::npos && text[percent] == '%';
    const auto* const end = text.data() + (has_percent ? percent : 0);
    const auto [last, failure] = std::from_chars(text.data(), end, size.value);
    const bool whole = has_percent && failure == std::errc() && std::all_of(last, end, [](char c) { return c == ' '; });
    if (!whole) table.expected(node, "a number, or a part of the baseline's value as \"3%\"");
    size.value /= 100;
    size.relative = true;
  }
  if (!std::isfinite(size.value) || size.value < 0) table.expected(node, "a margin of 0 or more");
  return size;
}

std::string read_clauses(const TomlTable& table) {
  if (!table.has("cells")) return "";
  const std::string clauses = table.text("cells");
  try {
    check_only(clauses);
  } catch (const Error& error) {
    table.fail(*table.find("cells"), error.what());
  }
  return clauses;
}

std::string read_metric(const std::string& name, const std::string& where, bool latency) {
  std::vector<std::string> known;
  for (const MetricInfo& metric : kMetrics) known.emplace_back(metric.name);
  if (latency) known.emplace_back(kLatency);
  if (std::find(known.begin(), known.end(), name.substr(0, name.find(':'))) == known.end())
    throw usage_error(where, unknown_name(name, known));
  return name;
}

std::vector<std::string> tripwire_names() {
  std::vector<std::string> names;
  for (const Tripwire& wire : kTripwires) names.emplace_back(wire.name);
  return names;
}

}  // namespace

bool Gate::asks_for_latency() const {
  return std::any_of(margins.begin(), margins.end(), [](const Margin& margin) { return margin.metric == kLatency; });
}

Gate read_gate(const std::filesystem::path& file) {
  const toml::table parsed = read_toml(file, {});
  expect_kind(FileKind::kGate, parsed, file.string());
  const TomlTable root(parsed, file.string(), "the gate",
                       {"alpha", "cells", "metrics", "unequal_noise", "margin", "allow"});
  Gate gate;
  if (root.has("alpha")) gate.alpha = root.number("alpha", 1e-6, 0.5);
  gate.cells = read_clauses(root);
  if (const auto metrics = root.texts("metrics"))
    for (const auto& [name, where] : *metrics) gate.metrics.push_back(read_metric(name, where, false));
  gate.unequal_noise = root.boolean("unequal_noise", false);
  for (const toml::table* one : root.tables("margin")) {
    const TomlTable table(*one, file.string(), "[[margin]]", {"metric", "cells", "max_regression"});
    const std::string metric = read_metric(table.text("metric"), table.where("metric"), true);
    gate.margins.push_back({metric, read_clauses(table), read_size(table, "max_regression")});
  }
  for (const toml::table* one : root.tables("allow")) {
    const TomlTable table(*one, file.string(), "[[allow]]", {"tripwire", "cells", "images"});
    const std::string wire = table.text("tripwire");
    const auto known = tripwire_names();
    if (std::find(known.begin(), known.end(), wire) == known.end())
      throw usage_error(table.where("tripwire"), unknown_name(wire, known));
    table.require("images", "a number of images");
    gate.allowed.push_back({wire, read_clauses(table), table.integer("images", 0, 1'000'000'000)});
  }
  return gate;
}

}  // namespace fewstep
