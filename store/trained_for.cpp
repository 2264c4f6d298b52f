#include "store/trained_for.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>

namespace fewstep {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// "4-steps" of Guided-Distill's phases.
std::optional<int> steps_of(const std::string& phase) {
  int steps = 0;
  const auto [end, failure] = std::from_chars(phase.data(), phase.data() + phase.size(), steps);
  if (failure != std::errc() || std::string_view(end) != "-steps" || steps < 1) return {};
  return steps;
}

}  // namespace

TrainedFor trained_for(const TrainingRecord& record) {
  TrainedFor training;
  const json recipe = json::parse(record.recipe, nullptr, false), parents = json::parse(record.parents, nullptr, false);
  if (!recipe.is_object()) return training;
  training.method = text_at(recipe, "method");
  if (parents.is_array() && !parents.empty() && parents[0].is_object()) training.teacher = text_at(parents[0], "name");
  const auto omega = recipe.find("omega");
  if (omega != recipe.end() && omega->is_array() && omega->size() == 2 && (*omega)[0].is_number() &&
      (*omega)[1].is_number()) {
    training.omega_low = (*omega)[0].get<double>();
    training.omega_high = (*omega)[1].get<double>();
  }
  const auto skip = recipe.find("skip_step");
  if (skip != recipe.end() && skip->is_number_integer()) training.skip_step = skip->get<int>();
  if (record.losses.empty()) return training;
  const LossPoint& last = record.losses.back();
  training.iterations = last.step;
  training.last_loss = last.loss;
  training.steps = steps_of(last.phase);
  return training;
}

TrainedFor trained_for(const std::filesystem::path& checkpoint) {
  const auto record = read_training_record(checkpoint, "");
  return record ? trained_for(*record) : TrainedFor();
}

std::vector<std::string> outside_training(const TrainedFor& training, const CellKey& series) {
  std::vector<std::string> warnings;
  const std::string who = series.checkpoint_name + " was trained for (its fewstep.json)";
  if (training.omega_low && (series.omega < *training.omega_low || series.omega > *training.omega_high))
    warnings.push_back(fmt::format("ω {:.6g} is outside {:.6g} to {:.6g}, which {}", series.omega, *training.omega_low,
                                   *training.omega_high, who));
  if (training.steps && series.steps != *training.steps)
    warnings.push_back(fmt::format("{} steps are not the {} that {}", series.steps, *training.steps, who));
  return warnings;
}

nlohmann::ordered_json training_json(const TrainedFor& training) {
  nlohmann::ordered_json description = nlohmann::ordered_json::object();
  if (!training.method.empty()) description["method"] = training.method;
  if (training.skip_step) description["skip_step"] = *training.skip_step;
  if (training.omega_low) description["omega"] = {*training.omega_low, *training.omega_high};
  if (training.steps) description["steps"] = *training.steps;
  if (!training.teacher.empty()) description["teacher"] = training.teacher;
  if (training.iterations) description["iterations"] = *training.iterations;
  if (training.last_loss) description["last_loss"] = *training.last_loss;
  return description;
}

}  // namespace fewstep
