#include "models/scheduler_config.h"

#include "core/error.h"
#include "core/names.h"
#include "models/config.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fewstep {
namespace {

// diffusers' schedulers over a discrete variance-preserving schedule.
constexpr std::array<std::string_view, 16> kClasses{
    "DDIMScheduler",
    "DDPMScheduler",
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
    "LCMScheduler",
    "TCDScheduler",
};

void skip_sampling_choices(Config& config) {
  config.without_effect(
      "algorithm_type clip_sample_range dynamic_thresholding_ratio disable_corrector euler_at_final "
      "final_sigmas_type interpolation_type lambda_min_clipped lower_order_final noise_sampler_seed "
      "predict_x0 sample_max_value set_alpha_to_one sigma_max sigma_min skip_prk_steps solver_order "
      "solver_p solver_type timestep_spacing use_beta_sigmas use_exponential_sigmas use_karras_sigmas "
      "use_lu_lambdas flow_shift time_shift_type");
}

void refuse_other_processes(Config& config) {
  config.only("trained_betas", nullptr);
  config.only("rescale_betas_zero_snr", false);
  config.only("thresholding", false);
  config.only("clip_sample", false);
  config.only("use_flow_sigmas", false);
  config.only("use_dynamic_shifting", false);
  config.only("shift_terminal", nullptr);
  config.only("timestep_type", "discrete");
  const auto variance = config.optional_text("variance_type", "fixed_small");
  if (variance && variance->starts_with("learned")) config.only("variance_type", "fixed_small");
}

int whole_number(Config& config, const std::string& key, int fallback, int least, int most) {
  const double value = config.number(key, fallback);
  if (value != std::floor(value) || value < least || value > most) {
    throw input_error(config.where(), "expected " + key + " from " + std::to_string(least) + " to " +
                                          std::to_string(most) + ", got " + std::to_string(value));
  }
  return static_cast<int>(value);
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
    throw input_error(where, "expected 0 < beta_start <= beta_end < 1, got " + std::to_string(info.beta_start) +
                                 " and " + std::to_string(info.beta_end));
  }
}

}  // namespace

void read_scheduler_config(const std::filesystem::path& path, CheckpointInfo& info) {
  Config config = Config::read(path);
  const std::string name = config.text("_class_name");
  if (std::find(kClasses.begin(), kClasses.end(), name) == kClasses.end())
    throw input_error(path.string(), "expected a supported scheduler: " + unknown_name(name, kClasses));
  refuse_other_processes(config);
  skip_sampling_choices(config);
  info.beta_schedule = config.text("beta_schedule");
  info.beta_start = config.number("beta_start");
  info.beta_end = config.number("beta_end");
  check_betas(info, path.string());
  info.num_train_timesteps = whole_number(config, "num_train_timesteps", 1000, 2, 100'000);
  info.steps_offset = whole_number(config, "steps_offset", 0, 0, info.num_train_timesteps - 1);
  info.prediction = parse_prediction(config.text("prediction_type", "epsilon"), path.string());
  info.timestep_scaling = config.number("timestep_scaling", 10.0);
  info.original_inference_steps = whole_number(config, "original_inference_steps", 50, 1, info.num_train_timesteps);
  if (!(info.timestep_scaling > 0)) throw input_error(path.string(), "expected timestep_scaling above 0");
  config.finish();
  if (name == "LCMScheduler") info.kind = CheckpointKind::kConsistency;
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
