#include "settings/experiment_rows.h"

#include "core/error.h"
#include "core/plain_names.h"
#include "samplers/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fewstep::rows {
namespace {

using nlohmann::json;

void read_guidance(const TomlTable& table, std::string_view key, double low, double high, Axes& to) {
  const bool scale = key == "guidance_scale";
  if (scale && table.has("omega"))
    table.refuse({key}, "expected omega or guidance_scale, got both: they are one knob, guidance_scale = 1 + omega");
  if (const auto values = table.numbers(key, low, high))
    for (const auto& value : *values) to.guidance.push_back({scale ? value.value - 1 : value.value, scale});
}

// A key of path = { 1 = …, 2 = … } or of times.
int step_count(const TomlTable& table, std::string_view text, const toml::node& value, const std::string& of) {
  int steps = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), steps);
  if (failure != std::errc() || end != text.data() + text.size() || steps < 1 || steps > kMaxSteps)
    table.fail(value, "expected step counts as keys of " + of + ", got \"" + std::string(text) + "\"");
  return steps;
}

}  // namespace

std::string plain_name(const TomlTable& table) {
  const std::string name = table.text("name");
  if (!is_plain_name(name)) table.expected(*table.find("name"), std::string(kPlainNames) + " for name");
  return name;
}

void read_omega(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&) {
  read_guidance(table, "omega", -1, 999, to);
}

void read_guidance_scale(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&) {
  read_guidance(table, "guidance_scale", 0, 1000, to);
}

void read_times(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&) {
  if (!table.has("times")) return;
  const toml::node& node = *table.find("times");
  if (!node.is_table() || node.as_table()->empty())
    table.expected(node, "times of each step count, as { 4 = [999, 749, 499, 249], 1 = 399 }");
  std::vector<std::string_view> counts;
  for (const auto& [key, value] : *node.as_table()) counts.push_back(key.str());
  const TomlTable lists(*node.as_table(), table.file(), "times", counts);
  for (const std::string_view count : counts) {
    const toml::node& value = *lists.find(count);
    const int steps = step_count(table, count, value, "times");
    if (to.times.contains(steps))  // "1" and "01"
      table.fail(value, fmt::format("expected each step count once in times, got {} twice", steps));
    std::vector<int>& times = to.times[steps];
    const auto given = lists.integers(count, 0, kMaxSteps - 1);
    for (const auto& one : *given) times.push_back(static_cast<int>(one.value));
    check_times(place_of(value, table.file()), times, steps);
  }
}

json times_json(const Axes& axes) {
  json object = json::object();
  for (const auto& [steps, times] : axes.times) object[std::to_string(steps)] = times;
  return object;
}

json guidance_json(const std::vector<Guidance>& guidance) {
  json list = json::array();
  for (const Guidance& one : guidance)
    list.push_back(
        {{one.given_as_guidance_scale ? "guidance_scale" : "omega", one.omega + one.given_as_guidance_scale}});
  return list;
}

void read_path(const Field<ExperimentCheckpoint>&, const TomlTable& table, ExperimentCheckpoint& to,
               SettingsFile& file) {
  const toml::node& node = table.require("path", "\"folder\" or { STEPS = \"folder\", … }");
  if (!node.is_table()) {
    to.path = file.path(table.text("path"), table.where("path"));
    return;
  }
  if (node.as_table()->empty()) table.expected(node, "a folder for at least one step count in path");
  for (const auto& [key, value] : *node.as_table()) {
    const int steps = step_count(table, key.str(), value, "path");
    if (to.by_steps.contains(steps))  // "1" and "01"
      table.fail(value, fmt::format("expected each step count once in path, got {} twice", steps));
    if (!value.is_string() || value.as_string()->get().empty()) table.expected(value, "a folder in path");
    to.by_steps[steps] = file.path(value.as_string()->get(), place_of(value, table.file()));
  }
}

json path_json(const ExperimentCheckpoint& checkpoint) {
  if (checkpoint.by_steps.empty()) return checkpoint.path.string();
  json folders;
  for (const auto& [steps, path] : checkpoint.by_steps) folders[std::to_string(steps)] = path.string();
  return folders;
}

void read_samplers(const Field<ExperimentCheckpoint>&, const TomlTable& table, ExperimentCheckpoint& to,
                   SettingsFile&) {
  table.require("samplers", "[ … ]");
  const auto given = table.texts("samplers");
  for (const auto& [name, where] : *given) to.samplers.emplace_back(find_by_name(kSamplers, name, where).name);
}

void read_filters(const Field<PromptQuery>&, const TomlTable& prompts, PromptQuery& to, SettingsFile& file) {
  for (const toml::table* row : prompts.tables("where")) {
    const TomlTable table(*row, prompts.file(), "prompts.where", fields::keys(kFilter));
    RowFilter& filter = to.where.emplace_back();
    fields::read(table, kFilter, filter, file);
    if (!table.has("at_least") && !table.has("at_most"))
      throw usage_error(table.where(), "expected at_least, at_most or both, found none");
    if (filter.at_least > filter.at_most) table.expected(*table.find("at_least"), "at_least <= at_most");
  }
}

json filters_json(const PromptQuery& query) {
  json list = json::array();
  for (const RowFilter& filter : query.where) list.push_back(fields::values(kFilter, filter));  // infinite: null
  return list;
}

constexpr std::int64_t kPromptsBesideExtremes = 16;  // the first ones, for the matrix of a page

void read_keep(const Field<Experiment>&, const TomlTable& table, Experiment& to, SettingsFile&) {
  const toml::node* keep = table.find("keep");
  if (!keep) return;
  if (keep->is_integer())
    to.keep_images = table.integer("keep", 0, 1'000'000'000);
  else if (keep->is_boolean())
    to.keep_images = table.boolean("keep", false) ? Experiment::kEvery : 0;
  else if (keep->value<std::string_view>() == kKeepExtremes)
    to.keep_extremes = (to.keep_images = kPromptsBesideExtremes) > 0;
  else
    table.expected(*keep, "true, false, a number of prompts or \"extremes\" for keep");
}

json keep_json(const Experiment& experiment) {
  const auto prompts = experiment.keep_images;
  if (experiment.keep_extremes) return kKeepExtremes;
  return prompts == 0 || prompts == Experiment::kEvery ? json(prompts > 0) : json(prompts);
}

}  // namespace fewstep::rows
