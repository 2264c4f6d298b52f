#include "checkpoints/scheduler_config.h"

#include "core/error.h"
#include "core/known_mistakes.h"
#include "core/names.h"
#include "core/warnings.h"
#include "formats/json.h"
#include "models/config.h"
#include "models/reference_signatures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fewstep {
namespace {

// diffusers' schedulers over a discrete variance-preserving schedule.
constexpr std::array<std::string_view, 19> kClasses{
    "DDIMScheduler",
    "DDIMParallelScheduler",
    "DDPMScheduler",
    "DDPMParallelScheduler",
    "PNDMScheduler",
    "DPMSolverMultistepScheduler",
    "DEISMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LMSDiscreteScheduler",
    "UniPCMultistepScheduler",
    "DPMSolverSDEScheduler",
    "SASolverScheduler",
    "LCMScheduler",
    "TCDScheduler",
};

void skip_sampling_choices(Config& config) {
  config.without_effect(
      "algorithm_type clip_sample_range dynamic_thresholding_ratio disable_corrector euler_at_final "
      "final_sigmas_type interpolation_type lambda_min_clipped lower_order_final noise_sampler_seed "
      "predict_x0 sample_max_value set_alpha_to_one sigma_max sigma_min skip_prk_steps solver_order "
      "solver_p solver_type timestep_spacing use_beta_sigmas use_exponential_sigmas use_karras_sigmas "
      "use_lu_lambdas flow_shift time_shift_type predictor_order corrector_order tau_func");
}

// A network with a learned variance has twice the output channels.
void refuse_learned_variance(Config& config) {
  const auto variance = config.optional_text("variance_type");
  if (variance && variance->starts_with("learned")) config.only("variance_type", "fixed_small");
}

// diffusers makes the class that model_index.json names, whatever the scheduler's own file says.
void tell_other_class(const nlohmann::json& file, const std::string& decides, const std::filesystem::path& path) {
  const auto own = file.find("_class_name");
  if (own == file.end() || !own->is_string() || *own == decides) return;
  warn(path.parent_path().parent_path().string(),
       "model_index.json says " + decides + ", scheduler/scheduler_config.json says " + own->get<std::string>() +
           "; model_index.json decides, as in diffusers");
}

// Loaded as diffusers' DPM-Solver++ it would sample so; the experiment's dpm and dpm++ do not.
void tell_other_sampling(const nlohmann::json& file, const std::string& where) {
  std::string choices;
  const auto tell = [&](const char* key, const nlohmann::json& ours) {
    const auto found = file.find(key);
    if (found != file.end() && *found != ours)
      choices += (choices.empty() ? "" : ", ") + std::string(key) + " = " + found->dump();
  };
  tell("solver_order", 2);
  tell("solver_type", "midpoint");
  for (const char* key : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"})
    tell(key, false);
  if (const auto type = file.find("algorithm_type");
      type != file.end() && type->is_string() && type->get_ref<const std::string&>().starts_with("sde"))
    choices += (choices.empty() ? "" : ", ") + std::string("algorithm_type = ") + type->dump();
  if (choices.empty()) return;
  warn(where,
       "not taken: " + choices + "; dpm and dpm++ are the second-order midpoint solvers, on the experiment's grid");
}

int whole_number(Config& config, const std::string& key, int least, int most) {
  const double value = config.number(key);
  if (value != std::floor(value) || value < least || value > most) {
    throw input_error(config.where(), fmt::format("expected {} from {} to {}, got {}", key, least, most, value));
  }
  return static_cast<int>(value);
}

// StableDiffusionPipeline sets steps_offset to 1 and clip_sample to false when it loads a scheduler.
void correct_as_pipeline(Config& config, bool corrects, CheckpointInfo& info) {
  info.steps_offset = whole_number(config, "steps_offset", 0, info.num_train_timesteps - 1);
  if (!corrects) {
    config.only("clip_sample", false, remedy(KnownMistake::kClippedSamples));
    return;
  }
  if (info.steps_offset != 1) info.corrected.push_back(fmt::format("steps_offset {} -> 1", info.steps_offset));
  if (config.boolean("clip_sample")) info.corrected.push_back("clip_sample true -> false");
  info.steps_offset = 1;
}

Prediction parse_prediction(const std::string& name, const std::string& where) {
  for (const auto prediction : {Prediction::kEpsilon, Prediction::kV, Prediction::kSample}) {
    if (name_of(prediction) == name) return prediction;
  }
  throw input_error(where, "expected prediction_type epsilon, v_prediction or sample, got \"" + name + "\"");
}

void check_betas(const CheckpointInfo& info, const std::string& where) {
  const auto& name = info.beta_schedule;
  if (name != "scaled_linear" && name != "linear" && name != "squaredcos_cap_v2") {
    throw input_error(where, "expected beta_schedule scaled_linear, linear or squaredcos_cap_v2, got \"" + name + "\"");
  }
  if (!(info.beta_start > 0 && info.beta_start <= info.beta_end && info.beta_end < 1)) {
    throw input_error(
        where, fmt::format("expected 0 < beta_start <= beta_end < 1, got {} and {}", info.beta_start, info.beta_end));
  }
}

}  // namespace

void expect_scheduler(const std::string& class_name, const std::string& where) {
  if (std::find(kClasses.begin(), kClasses.end(), class_name) != kClasses.end()) return;
  if (reference_signature(class_name).empty())
    throw input_error(where, "expected a supported scheduler: " + unknown_name(class_name, kClasses));
  throw input_error(where, "expected a scheduler over the discrete noise schedule of Stable Diffusion, got " +
                               class_name + ", which belongs to another process; such a model cannot be run");
}

void read_scheduler_config(const std::filesystem::path& path, const std::string& class_name,
                           const std::string& pipeline, CheckpointInfo& info) {
  const nlohmann::json file = read_json_object(path);
  tell_other_class(file, class_name, path);
  const bool lcm = class_name == "LCMScheduler";
  Config config = lcm ? Config(file, path.string(), {class_name})
                      : Config(file, path.string(), {"DDIMScheduler", "DPMSolverMultistepScheduler", class_name});
  refuse_learned_variance(config);
  skip_sampling_choices(config);
  if (class_name == "DPMSolverMultistepScheduler") tell_other_sampling(file, path.string());
  info.beta_schedule = config.text("beta_schedule");
  info.beta_start = config.number("beta_start");
  info.beta_end = config.number("beta_end");
  check_betas(info, path.string());
  info.scheduler = class_name;
  const bool euler = class_name == "EulerDiscreteScheduler" || class_name == "EulerAncestralDiscreteScheduler";
  info.few_steps = euler && file.value("timestep_spacing", nlohmann::json()) == "trailing";
  info.zero_terminal_snr = config.boolean("rescale_betas_zero_snr");
  info.num_train_timesteps = whole_number(config, "num_train_timesteps", 2, 100'000);
  correct_as_pipeline(config, pipeline == "StableDiffusionPipeline", info);
  info.prediction = parse_prediction(config.text("prediction_type"), path.string());
  if (lcm) {
    info.kind = CheckpointKind::kConsistency;
    info.timestep_scaling = config.number("timestep_scaling");
    info.original_inference_steps = whole_number(config, "original_inference_steps", 1, info.num_train_timesteps);
    if (!(info.timestep_scaling > 0)) throw input_error(path.string(), "expected timestep_scaling above 0");
  }
  config.without_effect("original_inference_steps timestep_scaling");  // of TCD, too
  config.finish();
}

nlohmann::json scheduler_json(const CheckpointInfo& info) {
  nlohmann::json object{{"beta_schedule", info.beta_schedule},
                        {"beta_start", info.beta_start},
                        {"beta_end", info.beta_end},
                        {"num_train_timesteps", info.num_train_timesteps},
                        {"prediction_type", name_of(info.prediction)},
                        {"steps_offset", info.steps_offset},
                        {"clip_sample", false},
                        {"set_alpha_to_one", true}};
  if (info.zero_terminal_snr) object["rescale_betas_zero_snr"] = true;
  if (info.kind == CheckpointKind::kConsistency) {
    object["_class_name"] = "LCMScheduler";
    object["timestep_scaling"] = info.timestep_scaling;
    object["original_inference_steps"] = info.original_inference_steps;
  } else {
    object["_class_name"] = "DDIMScheduler";
    object["timestep_spacing"] = "trailing";
  }
  return object;
}

}  // namespace fewstep
