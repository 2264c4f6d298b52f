#pragma once
#include "core/checkpoint_ref.h"
#include "harness/run/batch_maker.h"

#include <filesystem>
#include <map>
#include <vector>

namespace fewstep {

// Network evaluations that one image asks for, counted by running its sampler; under guidance one counts as two.
std::int64_t forwards_of(const Denoising& denoising, bool guided);
std::int64_t forwards_of(const PlannedCell& planned);

// What cells of one checkpoint ask and compute for one image. It is counted as the run finds it, by content: the
// samplers run on a small latent, with a function in the network's place.
SharingCount count_one_image(const Plan& plan, const std::vector<std::size_t>& cells, bool share);

// What is still to be made of a plan.
struct WorkEstimate {
  std::vector<std::int64_t> images;             // of each cell
  std::map<CheckpointRef, SharingCount> count;  // of each checkpoint
  SharingCount total() const;
};
// store: null where there is none yet.
WorkEstimate estimate_work(const Plan& plan, const RunMetrics& metrics, Store* store, bool share);

}  // namespace fewstep
