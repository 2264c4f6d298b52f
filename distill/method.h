#pragma once
#include "datasets/captioned_images.h"
#include "distill/trainer.h"
#include "settings/recipe.h"

#include <c10/core/Device.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// What a feature network learns to say of an image: the class of the background, and 0 or 1 for each of the others.
struct ImageLabels {
  std::int64_t background = 0;
  std::vector<float> count, objects, occupancy;  // two objects; each shape × colour × size; where on a 4 × 4 grid
};

// What a method works with besides its recipe.
struct TrainingContext {
  at::Device device = at::kCPU;
  CaptionedImages images;
  std::function<ImageLabels(std::int64_t index)> labels;  // of the built-in scenes alone
  TrainingState& state;
  TrainingHooks hooks;
  std::function<void(std::int64_t done, std::int64_t all)> encoded;  // while latents are cached
  std::string device_name = {}, commit = {};                         // of fewstep.json
};

// Trains: writes the result to recipe.output and returns true, or false where it was stopped.
using TrainFn = bool(const Recipe& recipe, TrainingContext& context);
TrainFn* training_of(const Recipe& recipe);  // of its method

// fewstep.json of a result: the version and commit, the device and the seconds of training so far, the recipe and its
// hash, the parents (name and SHA-256), and the loss curve up to here as [phase, step, loss, gradient norm, learning
// rate].
nlohmann::json provenance_of(const Recipe& recipe, const TrainingContext& context,
                             const std::vector<std::pair<std::string, std::string>>& parents = {});

}  // namespace fewstep
