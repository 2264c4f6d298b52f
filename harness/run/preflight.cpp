#include "harness/run/preflight.h"

#include "core/files.h"
#include "core/warnings.h"
#include "harness/generate/generate.h"
#include "images/files.h"
#include "metrics/reference.h"
#include "metrics/registry.h"
#include "process/environment.h"
#include "store/store.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <set>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

const Compute kHeaders{at::Device(at::kMeta), at::kFloat};

// What is not there was told when the experiment was read.
void check_reference(const Experiment& experiment, const OpenMetric& metric) {
  if (experiment.reference_statistics && std::filesystem::exists(*experiment.reference_statistics)) {
    const Reference reference =
        reference_from_file(*experiment.reference_statistics, metric, experiment.assume_protocol);
    const auto width = metric.metric->reference->width(reference.data);
    if (width != metric.measure.width)
      throw input_error(experiment.reference_statistics->string(),
                        fmt::format("expected statistics of {} features, as {} has, got {}", metric.measure.width,
                                    metric.settings.name, width));
  }
  if (experiment.reference_images && std::filesystem::is_directory(*experiment.reference_images))
    list_images(*experiment.reference_images, image_rule(metric));
}

// Trained students are not there yet.
bool is_trained_here(const Experiment& experiment, const Cell& cell) {
  for (const ExperimentCheckpoint& checkpoint : experiment.checkpoints)
    if (checkpoint.name == cell.key.checkpoint_name && checkpoint.training) return true;
  return false;
}

}  // namespace

void preflight(const Experiment& experiment, const std::vector<Cell>& cells, const Path& store, Faults& faults) {
  const c10::InferenceMode inference;
  std::set<CheckpointRef> seen;
  for (const Cell& cell : cells) {
    const bool there = std::filesystem::is_directory(cell.checkpoint.folder);  // if not, reading the experiment told it
    if (!there || is_trained_here(experiment, cell) || !seen.insert(cell.checkpoint).second) continue;
    check_checkpoint(cell.checkpoint, faults);
    faults.check([&] { image_size(cell.checkpoint, cell.key.height, cell.key.width); });
  }
  for (const MetricSettings& settings : experiment.metrics) {
    if (!std::filesystem::exists(settings.network)) continue;  // likewise
    faults.check([&] {
      const OpenMetric metric = open_metric(settings, kHeaders);
      if (metric.metric->needs_reference) faults.check([&] { check_reference(experiment, metric); });
    });
  }
  faults.check([&] {
    expect_place_for(store);
    if (Store::is_there(store)) Store::open(store, Store::Mode::kRead);
  });
}

void check_memory(std::span<const Cell> cells, std::int64_t free, Faults& faults) {
  constexpr double kProcess = 3e8;  // LibTorch, the networks of metrics, activations of small images
  std::set<CheckpointRef> checkpoints;
  for (const Cell& cell : cells) checkpoints.insert(cell.checkpoint);
  for (const CheckpointRef& checkpoint : checkpoints) {
    const auto available = static_cast<double>(free);
    if (bytes_in_memory(checkpoint) + kProcess <= available) continue;
    const double files = bytes_on_disk(checkpoint);
    const std::string found =
        fmt::format("{:.3g} GB of memory are free, and its files have {:.3g} GB", available / 1e9, files / 1e9);
    if (files <= available) {
      warn(checkpoint.label(), "may need more memory than there is: " + found + "; the system may kill the process");
      continue;
    }
    faults.check([&] {
      throw environment_error(checkpoint.label(), "expected memory for the checkpoint, but " + found +
                                                      "; free memory, or raise the limit of the container");
    });
  }
}

void check_disk(const Path& store, double bytes, Faults& faults) {
  Path folder = std::filesystem::absolute(store).parent_path();
  while (!std::filesystem::exists(folder) && folder != folder.root_path()) folder = folder.parent_path();
  std::error_code failure;
  const auto space = std::filesystem::space(folder, failure);
  if (failure || static_cast<double>(space.available) >= bytes) return;
  faults.check([&] {
    throw environment_error(folder.string(), fmt::format("expected {:.3g} GB of free disk for the store, got {:.3g}; "
                                                         "free space, choose another --store, or keep fewer images",
                                                         bytes / 1e9, static_cast<double>(space.available) / 1e9));
  });
}

}  // namespace fewstep
