#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// What a recipe file says (experiments/recipes.md); read and checked by settings/recipe_file.

struct TrainingData {
  std::string builtin;                     // "shapes", or empty
  std::string split, style;                // of shapes
  std::int64_t count = 0;                  // of shapes; of files: at most so many, 0 for all
  std::filesystem::path images, captions;  // a folder with a table of captions, or .tar shards
  std::optional<std::string> file_column, text_column;
  int resolution = 0;           // images are cropped and resized to this square
  std::filesystem::path cache;  // of latents and text states
};

struct OptimizerSettings {
  std::int64_t steps = 0, batch = 0, warmup = 0;
  double learning_rate = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  double clip = 1;  // of the gradient's norm; 0: not clipped
  std::string decay = "constant";
  std::string precision = "float32";  // or "bfloat16": autocast
  std::int64_t save_every = 500, report_every = 10;
  std::vector<std::int64_t> keep_at;  // steps after which the student is written beside the output, too
};

struct OmegaRange {
  double low = 0, high = 0;  // equal: fixed
};

struct ConsistencySettings {  // lcd and lcf
  std::string solver = "ddim";
  std::int64_t skip_step = 20, omega_embedding_dim = 256;
  OmegaRange omega;
  std::string distance = "l2";
  double huber_c = 1e-3, ema = 0.95;
  bool keep_average = false;  // the result is the average, not the trained network itself
};

struct GuidedDistillSettings {
  OmegaRange omega;
  std::int64_t omega_embedding_dim = 256;
  std::int64_t stage_one_steps = 0, steps_per_halving = 0;
  std::vector<int> students;  // each half of the one before: {8, 4, 2, 1}
};

struct DiffusionSettings {
  double caption_dropout = 0.1, ema = 0.999;
  std::string prediction = "epsilon";
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
  std::string dtype = "float32";  // of the weights that are written
  std::string canonical_json;     // every setting but output and cache, sorted keys: its hash names the recipe
};

// Where the student after so many steps is kept: OUTPUT-at-STEP.
inline std::filesystem::path kept_folder(const Recipe& recipe, std::int64_t step) {
  return recipe.output.string() + "-at-" + std::to_string(step);
}

}  // namespace fewstep
