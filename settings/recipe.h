#pragma once
#include "checkpoints/checkpoint_info.h"
#include "core/dtype.h"
#include "datasets/captions.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What a recipe file says; experiments/recipes.md explains its keys, settings/methods.h and recipe.cpp hold a row for
// each.

struct TrainingData {
  std::optional<ShapesQuery> shapes;       // the built-in scenes, or
  std::filesystem::path images, captions;  // a folder with a table of captions, or .tar shards
  std::optional<std::string> file_column, text_column;
  std::int64_t count = 0;             // of scenes; of files: at most so many, 0 for all
  double max_left_out = kMaxLeftOut;  // part of the samples that may lack image or caption
  int resolution = kShapesImageSize;  // images are cropped and resized to this square
  std::filesystem::path cache;        // of latents and text states; empty: cache_folder says where
};

enum class Decay { kConstant, kLinear, kCosine };
inline constexpr std::array<std::string_view, 3> kDecays{"constant", "linear", "cosine"};
constexpr std::string_view name_of(Decay decay) { return kDecays[static_cast<std::size_t>(decay)]; }

enum class Precision { kFloat32, kBfloat16 };  // bfloat16: autocast
inline constexpr std::array<std::string_view, 2> kPrecisions{"float32", "bfloat16"};
constexpr std::string_view name_of(Precision precision) { return kPrecisions[static_cast<std::size_t>(precision)]; }

struct OptimizerSettings {
  std::int64_t steps = 0, batch = 0, warmup = 0;
  double learning_rate = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  double clip = 1;  // of the gradient's norm; 0: not clipped
  Decay decay = Decay::kConstant;
  Precision precision = Precision::kFloat32;
  std::int64_t save_every = 500, report_every = 10;
  std::vector<std::int64_t> keep_at;  // steps after which the student is written beside the output, too
};

struct OmegaRange {
  double low = 0, high = 0;  // equal: fixed
};

enum class Solver { kDdim, kDpm, kDpmPp };
inline constexpr std::array<std::string_view, 3> kSolvers{"ddim", "dpm", "dpm++"};
constexpr std::string_view name_of(Solver solver) { return kSolvers[static_cast<std::size_t>(solver)]; }

enum class DistanceKind { kL2, kHuber };
inline constexpr std::array<std::string_view, 2> kDistances{"l2", "huber"};
constexpr std::string_view name_of(DistanceKind kind) { return kDistances[static_cast<std::size_t>(kind)]; }

enum class Kept { kTrained, kAverage };  // the network that is written
inline constexpr std::array<std::string_view, 2> kKept{"trained", "average"};
constexpr std::string_view name_of(Kept kept) { return kKept[static_cast<std::size_t>(kept)]; }

struct ConsistencySettings {  // lcd and lcf
  Solver solver = Solver::kDdim;
  std::int64_t skip_step = 20, omega_embedding_dim = 256;
  OmegaRange omega;
  DistanceKind distance = DistanceKind::kL2;
  double huber_c = 1e-3, ema = 0.95;
  Kept keep = Kept::kTrained;
};

struct GuidedDistillSettings {
  OmegaRange omega;
  std::int64_t omega_embedding_dim = 256;
  std::int64_t stage_one_steps = 0, steps_per_halving = 0;
  std::vector<int> students = {8, 4, 2, 1};  // each half of the one before
};

struct DiffusionSettings {
  double caption_dropout = 0.1, ema = 0.999;
  Prediction prediction = Prediction::kEpsilon;
};

struct VaeSettings {
  double l1 = 1, l2 = 1, kl = 1e-6;
};

struct Recipe {
  std::string name, method;
  std::uint64_t seed = 0;
  std::filesystem::path file, output;
  std::filesystem::path parent;                        // lcd, guided-distill: the teacher; lcf: the model to fine-tune
  std::filesystem::path network;                       // config.json of what is trained from nothing
  std::filesystem::path vae, text_encoder, tokenizer;  // diffusion: the parts that stay
  TrainingData data;
  OptimizerSettings train;
  ConsistencySettings consistency;
  GuidedDistillSettings guided_distill;
  DiffusionSettings diffusion;
  VaeSettings vae_loss;
  Dtype dtype = Dtype::kFloat32;  // of the weights that are written
  std::string canonical_json;     // every setting but output and cache, sorted keys: its hash names the recipe
};

// Reads and checks a recipe; paths become absolute. overrides: "key=value" with dotted keys. Throws Error: kUsage with
// file, line, column and the nearest known name; kInput where a path leads nowhere.
Recipe read_recipe(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {});

// The same recipe with another skip step of its consistency model.
Recipe with_skip_step(Recipe recipe, std::int64_t skip_step);

// The folder of latents and text states: data.cache, else one beside the output.
std::filesystem::path cache_folder(const Recipe& recipe);
// The folder of the student after so many steps: OUTPUT-at-STEP.
std::filesystem::path kept_folder(const Recipe& recipe, std::int64_t step);

}  // namespace fewstep
