#include "distill/method.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"

#include <array>
#include <cmath>

namespace fewstep {
namespace {

constexpr std::array<TrainingMethod, 7> kMethods{{
    {"lcd", "Luo et al. 2023 (arXiv 2310.04378), algorithm 1", train_lcd},
    {"lcf", "Luo et al. 2023, algorithm 4", train_lcf},
    {"guided-distill", "Meng et al. 2023, algorithms 1 and 2", train_guided_distill},
    {"diffusion", "Ho et al. 2020, algorithm 1; captions dropped as in Ho & Salimans 2022", train_diffusion},
    {"vae", "Rombach et al. 2022, appendix G, without the adversarial and the perceptual term", train_vae},
    {"clip", "Radford et al. 2021, figure 3", train_clip},
    {"features", "the feature network of fd-pocket", train_features},
}};

}  // namespace

std::span<const TrainingMethod> training_methods() { return kMethods; }

const TrainingMethod& find_training_method(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TrainingMethod& method : kMethods) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  throw usage_error("method", unknown_name(name, names));
}

nlohmann::json provenance_of(const Recipe& recipe, const TrainingContext& context,
                             const std::vector<std::pair<std::string, std::string>>& parents) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [name, hash] : parents) list.push_back({{"name", name}, {"sha256", hash}});
  return {{"made_by", std::string("fewstep ") + FEWSTEP_VERSION},
          {"commit", context.commit},
          {"device", context.device_name},
          {"seconds", std::round(10 * context.state.seconds()) / 10},
          {"recipe", nlohmann::json::parse(recipe.canonical_json)},
          {"recipe_sha256", sha256(recipe.canonical_json)},
          {"parents", list},
          {"losses", to_json(context.state.curve())}};
}

}  // namespace fewstep
