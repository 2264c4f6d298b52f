#include "samplers/registry.h"

#include "core/names.h"

#include <vector>

namespace fewstep {

SampleFn sample_ddim, sample_dpm_solver, sample_dpm_solver_pp, sample_lcm;  // each in the file of its name

namespace {

struct Run {
  std::string_view name;
  SampleFn* run;
};
constexpr std::array<Run, 5> kRuns{{{"ddim", sample_ddim},
                                    {"dpm", sample_dpm_solver},
                                    {"dpm++", sample_dpm_solver_pp},
                                    {"guided-distill", sample_ddim},
                                    {"lcm", sample_lcm}}};
static_assert(same_names(kRuns, kSamplers));

}  // namespace

std::span<const Sampler> samplers() {
  static const std::vector<Sampler> rows = [] {
    std::vector<Sampler> all;
    for (std::size_t i = 0; i < kRuns.size(); ++i) all.push_back({kSamplers[i], kRuns[i].run});
    return all;
  }();
  return rows;
}

const Sampler& find_sampler(std::string_view name) { return find_by_name(samplers(), name, "sampler"); }

}  // namespace fewstep
