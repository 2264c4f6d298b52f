#include "settings/experiment_check.h"

#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using nlohmann::json;

json as_json(const std::vector<Guidance>& guidance) {
  json list = json::array();
  for (const Guidance& one : guidance)
    list.push_back(
        {{one.given_as_guidance_scale ? "guidance_scale" : "omega", one.omega + one.given_as_guidance_scale}});
  return list;
}

json as_json(const ExperimentCheckpoint& checkpoint) {
  json object = {{"name", checkpoint.name},
                 {"samplers", checkpoint.samplers},
                 {"steps", checkpoint.steps},
                 {"guidance", as_json(checkpoint.guidance)}};
  if (!checkpoint.original_inference_steps.empty())
    object["original_inference_steps"] = checkpoint.original_inference_steps;
  if (checkpoint.by_steps.empty()) object["path"] = checkpoint.path.string();
  for (const auto& [steps, path] : checkpoint.by_steps) object["path"][std::to_string(steps)] = path.string();
  return object;
}

json as_json(const ShapesQuery& shapes) {
  return {{"builtin", "shapes"}, {"split", name_of(shapes.split)}, {"style", name_of(shapes.style)}};
}

json as_json(const PromptQuery& query) {
  if (query.shapes) {
    json object = as_json(*query.shapes);
    object["count"] = *query.count;
    return object;
  }
  json object = {{"file", query.file.string()}, {"text", query.text ? json(*query.text) : json()}};
  object["count"] = query.count ? json(*query.count) : json();
  object["where"] = json::array();
  for (const RowFilter& filter : query.where)  // an infinite bound becomes null
    object["where"].push_back({{"column", filter.column}, {"at_least", filter.at_least}, {"at_most", filter.at_most}});
  return object;
}

json as_json(const ExperimentMetric& metric) {
  return {{"name", metric.name},
          {"protocol", metric.protocol},
          {"weights", metric.weights.string()},
          {"model", metric.model.string()}};
}

json grid_json(const Experiment& experiment) {
  json spacing = json::array();
  for (const Spacing one : experiment.spacing) spacing.push_back(name_of(one));
  return {{"steps", experiment.steps},
          {"spacing", spacing},
          {"final_sigma", name_of(experiment.final_sigma)},
          {"guidance", as_json(experiment.guidance)},
          {"original_inference_steps", experiment.original_inference_steps}};
}

json reference_json(const Experiment& experiment) {
  json object = {{"assume_protocol", experiment.assume_protocol}};
  if (experiment.reference_shapes) {
    object.update(as_json(experiment.reference_shapes->scenes));
    object.update({{"count", experiment.reference_shapes->count}, {"first", experiment.reference_shapes->first}});
  }
  if (experiment.reference_images) object["images"] = experiment.reference_images->string();
  if (experiment.reference_statistics) object["statistics"] = experiment.reference_statistics->string();
  return object;
}

json keep_json(const Experiment& experiment) {
  const auto prompts = experiment.keep_images;
  return prompts == 0 || prompts == Experiment::kEvery ? json(prompts > 0) : json(prompts);
}

}  // namespace

std::string canonical_json(const Experiment& experiment) {
  json root = {
      {"name", experiment.name},
      {"seed", experiment.seed},
      {"prompts", as_json(experiment.prompts)},
      {"images_per_prompt", experiment.images_per_prompt},
      {"negative_prompt", experiment.negative_prompt},
      {"reference", reference_json(experiment)},
      {"grid", grid_json(experiment)},
      {"images", {{"height", experiment.height}, {"width", experiment.width}, {"keep", keep_json(experiment)}}}};
  for (const ExperimentCheckpoint& checkpoint : experiment.checkpoints)
    root["checkpoint"].push_back(as_json(checkpoint));
  for (const Recipe& recipe : experiment.training) root["training"].push_back(json::parse(recipe.canonical_json));
  for (const ExperimentMetric& metric : experiment.metrics) root["metric"].push_back(as_json(metric));
  if (experiment.timing) {
    root["timing"] = {{"batch", experiment.timing->batch},
                      {"warmup", experiment.timing->warmup},
                      {"repetitions", experiment.timing->repetitions}};
  }
  // A folder on the way may be named in another encoding than UTF-8.
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fewstep
