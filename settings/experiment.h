#pragma once
#include "core/cell_key.h"
#include "core/checkpoint_ref.h"
#include "core/noise.h"
#include "datasets/captions.h"
#include "metrics/catalog.h"
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

class Faults;

// What an experiment file says; experiments/schema.md explains its keys, settings/experiment_rows.h holds a row for
// each.

// The axes that [grid] gives, and a checkpoint may give for itself.
struct Axes {
  std::vector<int> steps;                     // of a checkpoint: empty for the grid's
  std::vector<Guidance> guidance;             // likewise
  std::vector<int> original_inference_steps;  // likewise; of the grid: empty for each checkpoint's own
  std::map<int, std::vector<int>> times;      // of each step count, instead of a spacing's; empty for the grid's
};

struct ExperimentCheckpoint : Axes {
  std::string name;
  std::filesystem::path path;                     // used for every step count, or
  std::map<int, std::filesystem::path> by_steps;  // path = { 1 = …, 2 = … }
  std::vector<std::string> samplers;
  std::optional<std::size_t> training;  // of [[distill]]: its recipe in Experiment::training, run first
  std::map<CheckpointRef, int> own_original_inference_steps;  // what scheduler_config.json says; lcm alone
  // The weights for a step count. Throws Error (kUsage) where by_steps has none.
  CheckpointRef at(int step_count) const;
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
struct Experiment : Axes {
  std::string name;
  // What all cells have: the seed, the negative prompt, height and width (0: the checkpoint's sample_size × downscale).
  CellKey cell;
  PromptQuery prompts;
  int images_per_prompt = 1;
  std::optional<std::filesystem::path> reference_images, reference_statistics;
  std::optional<ReferenceShapes> reference_shapes;
  bool floor = false;  // held-out reference images are compared with the other ones
  bool has_reference() const { return reference_images || reference_statistics || reference_shapes; }
  bool assume_protocol = false;
  double reference_max_left_out = kMaxLeftOut;
  std::vector<Recipe> training;  // of [[distill]], before anything is evaluated
  std::vector<ExperimentCheckpoint> checkpoints;
  // The given times of a checkpoint; empty where its times are those of a spacing.
  const std::map<int, std::vector<int>>& times_for(const ExperimentCheckpoint& checkpoint) const {
    return checkpoint.times.empty() ? times : checkpoint.times;
  }
  std::vector<Spacing> spacing = {Spacing::kTrailing};
  FinalSigma final_sigma = FinalSigma::kZero;
  std::vector<MetricSettings> metrics;
  std::optional<Timing> timing;
  std::int64_t keep_images = 8;  // of the first N prompts; kEvery: of all
  bool keep_extremes = false;    // and of the prompts that the page singles out, made again at the end
  static constexpr std::int64_t kEvery = std::numeric_limits<std::int64_t>::max();
  std::string canonical_json;  // every setting, sorted keys: its hash is the configuration's
};

// Reads and checks. overrides: "key=value" with dotted keys (--set); only: the clauses of select(), whose cells'
// checkpoints alone need to be there. Throws Error (kUsage) with file, line, column and the nearest known name, before
// anything is loaded; of files that are missing or broken all at once, or they go to faults where that is given.
// trained: the folder of students that are trained first; empty: results/NAME.trained.
Experiment read_experiment(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {},
                           const std::string& only = "", Faults* faults = nullptr,
                           const std::filesystem::path& trained = {});

// Whether a configuration as stores hold it (canonical_json) asks for the pictures of extremes.
bool keeps_extremes(const std::string& canonical_json);

}  // namespace fewstep
