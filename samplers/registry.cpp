#include "samplers/registry.h"

#include "core/error.h"
#include "core/names.h"
#include "samplers/samplers.h"

#include <array>
#include <string>

namespace fewstep {
namespace {

constexpr std::array<Sampler, 5> kSamplers{{
    {"ddim", "Song et al. 2021, eq. 12 (eta = 0)", false, GridFamily::kDdim, &sample_ddim},
    {"dpm", "Lu et al. 2022, DPM-Solver, multistep order 2, midpoint", false, GridFamily::kDpm, &sample_dpm_solver},
    {"dpm++", "Lu et al. 2022, DPM-Solver++(2M), midpoint", false, GridFamily::kDpm, &sample_dpm_solver_pp},
    {"guided-distill", "Meng et al. 2023; DDIM on the student's trailing grid", false, GridFamily::kDdim, &sample_ddim},
    {"lcm", "Luo et al. 2023, arXiv 2310.04378, algorithm 3", true, GridFamily::kDdim, &sample_lcm},
}};

}  // namespace

std::span<const Sampler> samplers() { return kSamplers; }

const Sampler& find_sampler(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Sampler& sampler : kSamplers) {
    if (sampler.name == name) return sampler;
    names.push_back(sampler.name);
  }
  throw usage_error("sampler", unknown_name(name, names));
}

}  // namespace fewstep
