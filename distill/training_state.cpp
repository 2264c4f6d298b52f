#include "distill/training_state.h"

#include "core/error.h"
#include "core/files.h"
#include "formats/safetensors.h"
#include "models/weights.h"

#include <ATen/ops/clone.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace fewstep {
using nlohmann::json;

namespace {

// Whether no phase of a state went beyond so many steps.
bool fits_into(const json& phases, std::int64_t steps) {
  return phases.is_object() && std::all_of(phases.begin(), phases.end(), [&](const json& step) {
           return step.is_number_integer() && step.get<std::int64_t>() <= steps;
         });
}

}  // namespace

TrainingState::TrainingState(std::filesystem::path file, std::string identity, std::string continues,
                             std::int64_t steps)
    : file_(std::move(file)), identity_(std::move(identity)), continues_(std::move(continues)) {
  if (!std::filesystem::exists(file_)) return;
  const auto opened = SafetensorsFile::open(file_);
  const auto& metadata = opened.metadata();
  const auto text = metadata.find("training");
  const json found = text == metadata.end() ? json() : json::parse(text->second, nullptr, false);
  if (!found.is_object() || !found.contains("recipe") || !found.contains("steps") || !found.contains("curve"))
    throw input_error(file_.string(), "expected the state of a training run, got another file; remove it");
  const bool longer =
      !continues_.empty() && found.value("continues", json()) == continues_ && fits_into(found.at("steps"), steps);
  if (found.at("recipe") != identity_ && !longer) {
    throw usage_error(file_.string(),
                      "holds the state of another recipe; restore the recipe to go on, remove the file to start anew, "
                      "or choose another output");
  }
  try {
    curve_ = loss_curve_of(found.at("curve"));
    seconds_before_ = found.value("seconds", 0.0);
    for (const auto& [phase, step] : found.at("steps").items()) phases_[phase].step = step.get<std::int64_t>();
  } catch (const json::exception& error) {
    throw input_error(file_.string(), std::string("is damaged: ") + error.what() + "; remove it");
  }
  for (const auto& [name, tensor] : load_tensors(file_)) {
    const auto bar = name.find('|');
    const auto phase = phases_.find(name.substr(0, bar));
    if (bar == std::string::npos || phase == phases_.end())
      throw input_error(file_.string(), "is damaged: unexpected tensor \"" + name + "\"; remove it");
    phase->second.tensors.emplace(name.substr(bar + 1), tensor);
  }
}

const TrainingState::Snapshot* TrainingState::find(const std::string& phase) const {
  const auto found = phases_.find(phase);
  return found == phases_.end() ? nullptr : &found->second;
}

double TrainingState::seconds() const {
  return seconds_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - opened_).count();
}

void TrainingState::save(const std::string& phase, Snapshot snapshot) {
  phases_[phase] = std::move(snapshot);
  write();
}

void TrainingState::write() const {
  std::map<std::string, Tensor> tensors;
  json steps = json::object();
  for (const auto& [phase, snapshot] : phases_) {
    steps[phase] = snapshot.step;
    for (const auto& [name, tensor] : snapshot.tensors) tensors.emplace(phase + "|" + name, tensor);
  }
  const json training{{"recipe", identity_},
                      {"continues", continues_},
                      {"steps", steps},
                      {"curve", to_json(curve_)},
                      {"seconds", seconds()}};
  make_folders(file_.parent_path());
  save_tensors(file_, tensors, {}, {{"training", training.dump()}});
}

}  // namespace fewstep
