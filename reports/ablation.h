#pragma once
#include "reports/published.h"
#include "reports/view.h"
#include "store/read.h"
#include "store/training.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The settings that an ablation goes along: skip_step (k, from what a student's fewstep.json says), omega,
// original_inference_steps.
inline constexpr std::array<std::string_view, 3> kAblationAxisNames{"skip_step", "omega", "original_inference_steps"};

// Each metric over one setting: a row for each combination of the others, a column for each value; bold is the best of
// a row and what cannot be told from it by two paired standard errors. published, of the same axis, stands below and in
// the figures. Throws Error (kUsage) for an unknown axis, and where no cell has a value on it.
View ablation_of(Store& store, const StoredTable& table, const std::string& axis,
                 const std::optional<Published>& published);

}  // namespace fewstep
