#include "samplers/catalog.h"
#include "settings/experiment_check.h"
#include "settings/experiment_rows.h"
#include "settings/schema.h"

namespace fewstep {
namespace {

using fields::values;
using nlohmann::json;

// Both keys of guidance are one axis.
json axes_json(const Axes& axes) {
  json object = values(rows::kAxes, axes);
  object.erase("omega");
  object.erase("guidance_scale");
  object["guidance"] = rows::guidance_json(axes.guidance);
  return object;
}

json checkpoint_json(const ExperimentCheckpoint& checkpoint) {
  json object = values(rows::kCheckpoint, checkpoint);
  object.update(axes_json(checkpoint));
  if (checkpoint.original_inference_steps.empty()) object.erase("original_inference_steps");
  return object;
}

json prompts_json(const PromptQuery& query) {
  if (!query.shapes) return values(rows::kFilePrompts, query);
  json object = values(kSceneFields, *query.shapes);
  object.update(values(rows::kScenePrompts, query));
  return object;
}

json reference_json(const Experiment& experiment) {
  json object = values(rows::kReference, experiment);
  for (const char* key : {"images", "statistics"})
    if (object[key].is_null()) object.erase(key);
  if (const auto& shapes = experiment.reference_shapes) {
    object.update(values(kSceneFields, shapes->scenes));
    object.update(values(rows::kReferenceScenes, *shapes));
  }
  return object;
}

json grid_json(const Experiment& experiment) {
  json object = axes_json(experiment);
  object.update(values(rows::kGrid, experiment));
  return object;
}

json metric_json(const MetricSettings& metric) {
  json object{{"name", metric.name}, {"protocol", metric.protocol}, {"weights", ""}, {"model", ""}};
  object[std::string(find_by_name(kMetrics, metric.name, "metric").network.key)] = metric.network.string();
  return object;
}

json list_of(json item) { return {{"type", "array"}, {"minItems", 1}, {"items", std::move(item)}}; }

}  // namespace

std::string canonical_json(const Experiment& experiment) {
  json root = values(rows::kExperiment, experiment);
  root.update(values(rows::kEveryPrompt, experiment));
  root["prompts"] = prompts_json(experiment.prompts);
  root["reference"] = reference_json(experiment);
  root["grid"] = grid_json(experiment);
  root["images"] = values(rows::kImages, experiment);
  for (const ExperimentCheckpoint& checkpoint : experiment.checkpoints)
    root["checkpoint"].push_back(checkpoint_json(checkpoint));
  for (const Recipe& recipe : experiment.training) root["training"].push_back(json::parse(recipe.canonical_json));
  for (const MetricSettings& metric : experiment.metrics) root["metric"].push_back(metric_json(metric));
  if (experiment.timing) root["timing"] = values(rows::kTiming, *experiment.timing);
  // A folder on the way may be named in another encoding than UTF-8.
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool keeps_extremes(const std::string& canonical) {
  const auto config = json::parse(canonical, nullptr, false);
  return config.is_object() && config.value(json::json_pointer("/images/keep"), json()) == rows::kKeepExtremes;
}

json experiment_schema() {
  const Experiment defaults;
  json root = json_schema(defaults, rows::kExperiment);
  root["title"] = "An experiment of fewstep run";
  json& tables = root["properties"];
  tables["prompts"] = json_schema(PromptQuery{}, rows::kFilePrompts);
  tables["prompts"]["properties"]["where"]["items"] = json_schema(RowFilter{}, rows::kFilter);
  merge_schema(tables["prompts"], json_schema(ShapesQuery{}, kSceneFields));
  merge_schema(tables["prompts"], json_schema(defaults, rows::kEveryPrompt));
  tables["reference"] = json_schema(defaults, rows::kReference);
  merge_schema(tables["reference"], json_schema(ShapesQuery{}, kSceneFields));
  merge_schema(tables["reference"], json_schema(ReferenceShapes{}, rows::kReferenceScenes));
  const json axes = json_schema(Axes{}, rows::kAxes);
  tables["grid"] = axes;
  merge_schema(tables["grid"], json_schema(defaults, rows::kGrid));
  json checkpoint = json_schema(ExperimentCheckpoint{}, rows::kCheckpoint);
  checkpoint["properties"]["samplers"] = list_of({{"enum", names_of(kSamplers)}});
  merge_schema(checkpoint, axes);
  tables["checkpoint"] = list_of(checkpoint);
  json distill = json_schema(rows::Distill{}, rows::kDistill);
  merge_schema(distill, axes);
  tables["distill"] = list_of(distill);
  json metric = json_schema(MetricSettings{}, rows::kMetric);
  metric["properties"]["name"] = {{"enum", names_of(kMetrics)}};
  tables["metric"] = list_of(metric);
  tables["timing"] = json_schema(Timing{}, rows::kTiming);
  tables["images"] = json_schema(defaults, rows::kImages);
  for (const char* table : {"prompts", "grid"}) root["required"].push_back(table);
  return root;
}

}  // namespace fewstep
