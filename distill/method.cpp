#include "distill/method.h"

#include "core/files.h"
#include "core/names.h"
#include "settings/methods.h"

#include <array>
#include <cmath>

namespace fewstep {

TrainFn train_lcd, train_lcf, train_guided_distill, train_diffusion, train_vae, train_clip, train_features;

namespace {

struct Run {
  std::string_view name;
  TrainFn* run;
};
constexpr std::array<Run, 7> kRuns{{{"lcd", train_lcd},
                                    {"lcf", train_lcf},
                                    {"guided-distill", train_guided_distill},
                                    {"diffusion", train_diffusion},
                                    {"vae", train_vae},
                                    {"clip", train_clip},
                                    {"features", train_features}}};
static_assert(same_names(kRuns, kMethods));

}  // namespace

TrainFn* training_of(const Recipe& recipe) { return find_by_name(kRuns, recipe.method, "method").run; }

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
