#pragma once
#include "settings/fields.h"
#include "settings/recipe.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fewstep {

// A way of training as everything but its own loss knows it; distill/method.cpp holds the functions. No LibTorch.
struct MethodInfo {
  std::string_view name, source;
  std::span<const Field<Recipe>> fields;  // of the table of that name
  std::string_view sampler = {};          // of the students; empty: what is made is no whole checkpoint
  bool needs_captions = true;             // of images in files
  bool takes_files = true;                // else it learns from the built-in scenes alone
  bool keeps = false;                     // students along the way, keep_at
  bool staged = false;                    // a student for each step count, with steps of its own instead of train.steps
  bool trains_text = false;               // on the words of the built-in scenes, where the recipe names no tokenizer
  // UNet evaluations of an image and step, where a backward pass counts as two.
  std::int64_t (*evaluations)(const Recipe&) = [](const Recipe&) -> std::int64_t { return 3; };
};

namespace rows {

using namespace fields;

inline constexpr std::int64_t kMany = 1'000'000'000;

// omega = 8.0, or omega = [2.0, 14.0].
OmegaRange read_omega(const TomlTable& table);

template <auto Settings, auto Omega>
constexpr Field<Recipe> omega() {
  return custom<Recipe>(
      "omega",
      R"({"oneOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}]})",
      "guidance, fixed or uniform between two bounds; guidance_scale = 1 + omega",
      [](const Field<Recipe>&, const TomlTable& table, Recipe& to, SettingsFile&) {
        to.*Settings.*Omega = read_omega(table);
      },
      [](const Recipe& from) -> nlohmann::json {
        const OmegaRange& range = from.*Settings.*Omega;
        return {range.low, range.high};
      });
}

constexpr Field<Recipe> teacher() {
  return path<&Recipe::parent>("teacher", "a plain diffusion model in diffusers layout").required().existing();
}
constexpr Field<Recipe> network(std::string_view meaning) {
  return path<&Recipe::network>("network", meaning).required().existing();
}

using Consistency = ConsistencySettings;
inline constexpr auto kConsistency = &Recipe::consistency;
inline constexpr std::array kBothConsistencies{
    integer<kConsistency, &Consistency::skip_step>("skip_step", 1, 1000,
                                                   "k: a pair of times is k apart, on a grid of 1000/k"),
    omega<kConsistency, &Consistency::omega>(),
    integer<kConsistency, &Consistency::omega_embedding_dim>("omega_embedding_dim", 4, 4096,
                                                             "time_cond_proj_dim, where the start has none"),
    choice<kConsistency, &Consistency::distance>("distance", kDistances, "between student and target"),
    number<kConsistency, &Consistency::huber_c>("huber_c", 1e-12, 1e6, "c of the Huber distance"),
    number<kConsistency, &Consistency::ema>("ema", 0, 1, "of the target network; 0: the student itself"),
    choice<kConsistency, &Consistency::keep>("keep", kKept, "the network that is written"),
};
inline constexpr auto kLcd = joined(std::array{teacher(), choice<kConsistency, &Consistency::solver>(
                                                              "solver", kSolvers, "the step along the teacher's ODE")},
                                    kBothConsistencies);
inline constexpr auto kLcf =
    joined(std::array{path<&Recipe::parent>("model", "the consistency model to fine-tune").required().existing()},
           kBothConsistencies);

using Staged = GuidedDistillSettings;
inline constexpr auto kStaged = &Recipe::guided_distill;
void read_students(const Field<Recipe>&, const TomlTable& table, Recipe& to, SettingsFile&);
inline constexpr std::array kGuidedDistill{
    teacher(),
    omega<kStaged, &Staged::omega>(),
    integer<kStaged, &Staged::omega_embedding_dim>("omega_embedding_dim", 4, 4096,
                                                   "time_cond_proj_dim, where the start has none"),
    integer<kStaged, &Staged::stage_one_steps>("stage_one_steps", 1, kMany,
                                               "updates in which the student learns guidance")
        .required(),
    integer<kStaged, &Staged::steps_per_halving>("steps_per_halving", 1, kMany, "updates of each student after that")
        .required(),
    custom<Recipe>("students", R"({"type": "array", "items": {"type": "integer", "minimum": 1}})",
                   "steps of the students, each half of the one before", read_students,
                   [](const Recipe& from) -> nlohmann::json { return from.guided_distill.students; }),
};

inline constexpr std::array kDiffusion{
    network("config.json of a UNet2DConditionModel"),
    path<&Recipe::vae>("vae", "stays as it is").required().existing(),
    path<&Recipe::text_encoder>("text_encoder", "stays as it is").required().existing(),
    path<&Recipe::tokenizer>("tokenizer", "stays as it is").required().existing(),
    choice<&Recipe::diffusion, &DiffusionSettings::prediction>("prediction", std::span(kPredictions).first(2),
                                                               "what the network learns to say"),
    number<&Recipe::diffusion, &DiffusionSettings::caption_dropout>("caption_dropout", 0, 1,
                                                                    "share of captions replaced by the empty one"),
    number<&Recipe::diffusion, &DiffusionSettings::ema>("ema", 0, 1,
                                                        "of the weights that are written; 0: the trained ones"),
};

inline constexpr std::array kVae{
    network("config.json of an AutoencoderKL"),
    number<&Recipe::vae_loss, &VaeSettings::l1>("l1", 0, 1e6, "weight of the mean absolute error"),
    number<&Recipe::vae_loss, &VaeSettings::l2>("l2", 0, 1e6, "weight of the mean squared error"),
    number<&Recipe::vae_loss, &VaeSettings::kl>("kl", 0, 1e6, "weight of the divergence from a normal"),
};

inline constexpr std::array kClip{
    network("config.json of a CLIPModel"),
    path<&Recipe::tokenizer>("tokenizer", "folder of its files; else one of the built-in scenes' words").existing(),
};
inline constexpr std::array kFeatures{network("config.json of the feature network")};

}  // namespace rows

inline constexpr std::array<MethodInfo, 7> kMethods{{
    {.name = "lcd",
     .source = "Luo et al. 2023 (arXiv 2310.04378), algorithm 1",
     .fields = rows::kLcd,
     .sampler = "lcm",
     .keeps = true,
     .evaluations = [](const Recipe& recipe) -> std::int64_t {
       return 3 + 1 + (recipe.consistency.solver == Solver::kDdim ? 2 : 4);
     }},
    {.name = "lcf",
     .source = "Luo et al. 2023, algorithm 4",
     .fields = rows::kLcf,
     .sampler = "lcm",
     .keeps = true,
     .evaluations = [](const Recipe&) -> std::int64_t { return 3 + 1; }},
    {.name = "guided-distill",
     .source = "Meng et al. 2023, algorithms 1 and 2",
     .fields = rows::kGuidedDistill,
     .sampler = "guided-distill",
     .staged = true,
     .evaluations = [](const Recipe&) -> std::int64_t { return 3 + 2; }},
    {.name = "diffusion",
     .source = "Ho et al. 2020, algorithm 1; captions dropped as in Ho & Salimans 2022",
     .fields = rows::kDiffusion},
    {.name = "vae",
     .source = "Rombach et al. 2022, appendix G, without the adversarial and the perceptual term",
     .fields = rows::kVae,
     .needs_captions = false},
    {.name = "clip", .source = "Radford et al. 2021, figure 3", .fields = rows::kClip, .trains_text = true},
    {.name = "features", .source = "the feature network of fd-pocket", .fields = rows::kFeatures, .takes_files = false},
}};

const MethodInfo& method_of(const Recipe& recipe);
// Steps of every phase together.
std::int64_t all_steps(const Recipe& recipe);

}  // namespace fewstep
