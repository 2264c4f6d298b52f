#include "reports/document.h"
#include "reports/printers.h"
#include "reports/published.h"
#include "reports/scores.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json parse_or_text(const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(text) : json;
}

Json quantiles_json(const Quantiles& quantiles) {
  return {{"median", quantiles.median}, {"p10", quantiles.p10}, {"p90", quantiles.p90}, {"n", quantiles.n}};
}

Json timing_json(const BatchTiming& timing) {
  Json json = {{"batch", timing.batch}, {"per", "image"}};
  for (const std::string_view stage : kTimingStages) {
    const auto found = timing.stages.find(std::string(stage));
    json[std::string(stage)] = found == timing.stages.end() ? Json(nullptr) : quantiles_json(found->second);
  }
  json["total"] = timing.total ? quantiles_json(*timing.total) : Json(nullptr);
  json["processes"] = timing.processes;
  json["drift"] = timing.drift;
  json["other_cores"] = timing.other_cores;
  if (timing.throttled > 0) json["throttled_seconds"] = timing.throttled;
  json["unstable"] = timing.unstable();
  return json;
}

Json metrics_json(const StoredCell& cell, const std::vector<ScoreKey>& keys) {
  Json metrics = Json::object();
  for (const ScoreKey& key : keys) {
    const StoredScore* stored = find_score(cell, key);
    if (!stored) continue;
    Json json = {{"protocol", key.metric.protocol},
                 {"value", number_or_null(stored->score.value)},
                 {"standard_error", number_or_null(stored->score.standard_error)},
                 {"images", stored->score.count},
                 {"flags", words_of(stored->score.flags)},
                 {"higher_is_better", key.metric.higher_is_better},
                 {"version", key.metric.version},
                 {"model_hash", key.metric.model_hash},
                 {"reference_hash", key.reference_hash.empty() ? Json(nullptr) : Json(key.reference_hash)}};
    // A second protocol of a metric gets its own name beside the first.
    std::string name = key.metric.name;
    if (metrics.contains(name)) name += ":" + key.metric.protocol;
    for (int n = 2; metrics.contains(name); ++n)
      name = fmt::format("{}:{}:{}", key.metric.name, key.metric.protocol, n);
    metrics[name] = std::move(json);
  }
  return metrics;
}

// Of held-out reference images, where they were asked for.
Json floors_json(const StoredTable& table) {
  Json floors = Json::array();
  for (const StoredScore& floor : table.floors)
    floors.push_back({{"metric", floor.metric.name},
                      {"protocol", floor.metric.protocol},
                      {"value", number_or_null(floor.score.value)},
                      {"standard_error", number_or_null(floor.score.standard_error)},
                      {"images", floor.score.count},
                      {"flags", words_of(floor.score.flags)}});
  return floors;
}

// Numbers along the axis; null where nothing is published.
Json published_json(const Published& published) {
  Json rows = Json::array();
  for (const PublishedRow& row : published.rows) {
    Json json = {{"label", row.label}};
    for (const auto& [metric, values] : row.metrics) {
      json[metric] = Json::array();
      for (const double value : values) json[metric].push_back(number_or_null(value));
    }
    rows.push_back(std::move(json));
  }
  return {{"name", published.name},         {"title", published.title}, {"source", published.source},
          {"protocol", published.protocol}, {"axis", published.axis},   {"values", published.values},
          {"rows", std::move(rows)}};
}

Json cell_json(const StoredCell& cell, const std::vector<ScoreKey>& keys) {
  Json json = Json::object();
  for (const CellAxis& axis : kCellAxes) {
    if (!axis.has(kClause)) continue;
    const bool none = axis.has(kZeroIsNone) && is_default(axis, cell.key);
    json[std::string(axis.name)] =
        none ? Json(nullptr) : std::visit([](const auto& value) { return Json(value); }, axis.get(cell.key));
  }
  json["state"] = name_of(cell.state);
  json["message"] = cell.message;
  json["images"] = {{"stored", cell.stored_images}, {"expected", cell.expected_images}};
  json["forwards_per_image"] = cell.forwards ? Json(cell.forwards->mean) : Json(nullptr);
  if (cell.forwards && cell.forwards->min != cell.forwards->max)
    json["forwards_range"] = {cell.forwards->min, cell.forwards->max};
  if (cell.digest.tripped) json["tripwires"] = Json(*cell.digest.tripped);
  json["metrics"] = metrics_json(cell, keys);
  json["timing_ms"] = cell.timings.empty() ? Json(nullptr) : timing_json(cell.timings.front());
  if (cell.timings.size() > 1) {
    json["timing_ms_by_batch"] = Json::array();
    for (const BatchTiming& timing : cell.timings) json["timing_ms_by_batch"].push_back(timing_json(timing));
  }
  json["run"] = cell.run_id;
  return json;
}

// The list has each value once, in the order of the cells.
template <typename Field>
Json distinct(const std::vector<StoredCell>& cells, Field&& field) {
  Json values = Json::array();
  for (const StoredCell& cell : cells) {
    const Json value = field(cell.key);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

Json provenance_json(const StoredTable& table) {
  Json checkpoints = Json::array();
  for (const StoredCheckpoint& checkpoint : table.checkpoints)
    checkpoints.push_back({{"name", checkpoint.name},
                           {"kind", checkpoint.kind},
                           {"sha256", checkpoint.sha256},
                           {"path", checkpoint.path}});
  const StoredRun& run = table.run;
  return {{"run",
           {{"id", run.id},
            {"state", run.state},
            {"started", run.started},
            {"ended", run.ended.empty() ? Json(nullptr) : Json(run.ended)}}},
          {"version", run.version},
          {"checkpoints", checkpoints},
          {"seeds", distinct(table.cells, [](const CellKey& key) { return Json(key.seed); })},
          {"prompt_sources", distinct(table.cells, [](const CellKey& key) { return Json(key.prompt_source); })},
          {"negative_prompts", distinct(table.cells, [](const CellKey& key) { return Json(key.negative_prompt); })},
          {"sizes", distinct(table.cells,
                             [](const CellKey& key) {
                               return Json{key.height, key.width};
                             })},
          {"dtypes", distinct(table.cells, [](const CellKey& key) { return Json(key.dtype); })},
          {"devices", distinct(table.cells, [](const CellKey& key) { return Json(key.device_kind); })},
          {"facts", table.facts},
          {"environment", parse_or_text(table.environment_json)},
          {"config", parse_or_text(table.config_json)}};
}

}  // namespace

std::string print_json(const ReportInput& input) {
  const StoredTable& table = input.table;
  const auto keys = score_keys(table.cells);
  Json cells = Json::array();
  for (const StoredCell& cell : table.cells) cells.push_back(cell_json(cell, keys));
  Json report = {{"experiment", table.run.experiment}, {"cells", std::move(cells)}};
  if (!table.floors.empty()) report["floors"] = floors_json(table);
  if (input.published) report["published"] = published_json(*input.published);
  report["provenance"] = provenance_json(table);
  // ASCII alone: whatever a caption or a name holds, a terminal shows it and does not obey it.
  return report.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace fewstep
