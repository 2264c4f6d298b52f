#include "settings/known_names.h"

#include "core/error.h"
#include "core/names.h"

#include <algorithm>
#include <array>

namespace fewstep {
namespace {

using Kind = CheckpointInfo::Kind;

constexpr std::array<KnownSampler, 5> kSamplers{{
    {"ddim", Kind::kTeacher, GridFamily::kDdim, true},
    {"dpm", Kind::kTeacher, GridFamily::kDpm, true},
    {"dpm++", Kind::kTeacher, GridFamily::kDpm, true},
    {"guided-distill", Kind::kGuidedDistill, GridFamily::kDdim, false},
    {"lcm", Kind::kConsistency, GridFamily::kDdim, false},
}};

template <typename Rows>
const auto& find(const Rows& rows, std::string_view name, std::string_view where) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  throw usage_error(where, unknown_name(name, names));
}

}  // namespace

std::span<const KnownSampler> known_samplers() { return kSamplers; }

const KnownSampler& find_known_sampler(std::string_view name, std::string_view where) {
  return find(kSamplers, name, where);
}

std::vector<std::string_view> samplers_for(CheckpointInfo::Kind kind) {
  std::vector<std::string_view> names;
  for (const KnownSampler& sampler : kSamplers)
    if (sampler.kind == kind) names.push_back(sampler.name);
  return names;
}

std::span<const KnownMetric> known_metrics() {
  static const std::vector<KnownMetric> metrics = {
      {"fid", "weights", true, {"pytorch-fid", "torch-fidelity", "torchmetrics", "clean-fid"}},
      {"clip-score", "model", false, {"transformers", "torchmetrics"}},
      {"fd-pocket", "model", true, {"pocket"}}};
  return metrics;
}

const KnownMetric& find_known_metric(std::string_view name, std::string_view where) {
  return find(known_metrics(), name, where);
}

bool is_lcm(Spacing spacing) { return spacing == Spacing::kLcm || spacing == Spacing::kLcmOriginal; }

}  // namespace fewstep
