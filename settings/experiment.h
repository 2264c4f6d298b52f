#pragma once
#include "core/noise.h"
#include "datasets/captions.h"
#include "models/checkpoint_info.h"
#include "settings/recipe.h"

#include <compare>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// How strongly the caption guides: omega of the LCM paper; guidance_scale = 1 + omega is the same knob.
// Tables show the one that was given.
struct Guidance {
  double omega = 0;
  bool given_as_guidance_scale = false;
  auto operator<=>(const Guidance&) const = default;
};

struct ExperimentCheckpoint {
  std::string name;
  std::filesystem::path path;                     // used for every step count, or
  std::map<int, std::filesystem::path> by_steps;  // path = { 1 = …, 2 = … }
  std::vector<std::string> samplers;
  std::vector<int> steps;                     // empty: the grid's
  std::vector<Guidance> guidance;             // empty: the grid's
  std::vector<int> original_inference_steps;  // empty: the grid's
  std::optional<std::size_t> training;        // of [[distill]]: its recipe in Experiment::training, run first
  std::map<std::filesystem::path, int> own_original_steps;  // what a folder's scheduler_config.json says; lcm alone
  // The folder for a step count. Throws Error (kUsage) where by_steps has none.
  const std::filesystem::path& path_for(int step_count) const;
};

struct ExperimentMetric {
  std::string name, protocol;
  std::filesystem::path weights, model;
};

struct Timing {
  std::vector<int> batch = {1};
  int warmup = 3, repetitions = 10;
};

// Built-in scenes from index first on.
struct ReferenceShapes {
  ShapesQuery scenes;
  std::int64_t count = 4000, first = 100'000;
};

// An experiment file, checked: every path absolute, every axis non-empty, every name known.
struct Experiment {
  std::string name;
  std::uint64_t seed = 0;
  PromptQuery prompts;
  int images_per_prompt = 1;
  std::string negative_prompt;
  std::optional<std::filesystem::path> reference_images, reference_statistics;
  std::optional<ReferenceShapes> reference_shapes;
  bool has_reference() const { return reference_images || reference_statistics || reference_shapes; }
  bool assume_protocol = false;
  std::vector<Recipe> training;  // of [[distill]], before anything is evaluated
  std::vector<ExperimentCheckpoint> checkpoints;
  std::vector<int> steps;
  std::vector<Spacing> spacing = {Spacing::kTrailing};
  FinalSigma final_sigma = FinalSigma::kZero;
  std::vector<Guidance> guidance;
  std::vector<int> original_inference_steps;  // empty: each checkpoint's own
  std::vector<ExperimentMetric> metrics;
  std::optional<Timing> timing;
  int height = 0, width = 0;     // 0: the checkpoint's sample_size × downscale
  std::int64_t keep_images = 0;  // of the first so many prompts; kEvery: of all
  static constexpr std::int64_t kEvery = std::numeric_limits<std::int64_t>::max();
  std::string canonical_json;  // every setting, sorted keys: its hash is the configuration's
};

// Reads and checks. overrides: "key=value" with dotted keys (--set); only: the clauses of select(), whose cells'
// checkpoints alone need to be there. Throws Error (kUsage) with file, line, column and the nearest known name, before
// anything is loaded.
Experiment read_experiment(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {},
                           const std::string& only = "");

// One cell of the table: all that decides its images but the prompts and the seed.
struct Cell {
  std::string checkpoint;  // name in the experiment
  std::filesystem::path checkpoint_path;
  std::string sampler;
  int steps = 0;
  Guidance guidance;
  std::string spacing, final_sigma;  // names; lcm samplers: lcm | lcm-original and "zero"
  int original_inference_steps = 0;  // 0 where the sampler has none
  auto operator<=>(const Cell&) const = default;
};

// Cartesian product in a stable order: checkpoint, sampler, spacing, original_inference_steps, guidance, steps.
std::vector<Cell> expand(const Experiment& experiment);
// --only "sampler=lcm steps=4,8": every clause must hold, by one of its values. Throws Error (kUsage) for an unknown
// key, a name that no cell has, and where no cell is left.
std::vector<Cell> select(std::vector<Cell> cells, const std::string& only);

// The times of a cell on its checkpoint's schedule.
GridOptions grid_of(const Cell& cell, const CheckpointInfo& checkpoint);
// "checkpoint=lcm sampler=lcm steps=4 omega=8": names a cell in messages, in the words of --only.
std::string label_of(const Cell& cell);

}  // namespace fewstep
