// What a run would take, from two images of each checkpoint.
#include "core/error.h"
#include "harness/dry_run.h"
#include "harness/progress.h"
#include "harness/timing.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <map>
#include <ostream>

namespace fewstep {
namespace {

constexpr int kImages = 2;

double peak_gigabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

// Milliseconds of one image of a checkpoint, by its parts.
struct Cost {
  double load = 0;  // of the checkpoint, once
  double text = 0, forward = 0, decode = 0;
};

Cost measure(const Plan& plan, const PlannedCell& planned, const Experiment& experiment, const Compute& compute) {
  const auto start = std::chrono::steady_clock::now();
  const Checkpoint checkpoint = load_checkpoint(planned.cell.checkpoint_path, compute, false);
  Cost cost;
  cost.load = 1000 * seconds_since(start);
  std::vector<std::string> texts;
  for (int i = 0; i < kImages; ++i) texts.push_back(plan.texts[static_cast<std::size_t>(i) % plan.texts.size()]);
  const Denoising denoising = denoising_of(planned.cell, checkpoint);
  const auto batch = batch_timer(checkpoint, denoising, planned.size, texts, experiment.negative_prompt);
  batch();  // packs the weights
  const StageTimes times = batch();
  cost.text = times.text / kImages;
  cost.forward = times.denoise / kImages / static_cast<double>(forwards_of(planned));
  cost.decode = times.decode / kImages;
  return cost;
}

// Of one image; what it shows takes no part in the time.
double measuring_ms(const RunMetrics& metrics, const ImageSize& size, const std::string& caption) {
  const auto values = std::size_t{3} * static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
  const std::vector<Image> images(kImages, Image{size.height, size.width, std::vector<std::uint8_t>(values)});
  const std::vector<std::string> captions(kImages, caption);
  metrics.measure(images, captions);  // packs the weights
  const auto start = std::chrono::steady_clock::now();
  metrics.measure(images, captions);
  return 1000 * seconds_since(start) / kImages;
}

}  // namespace

void print_calibration(const Experiment& experiment, const Plan& plan, const Compute& compute, Store* store,
                       std::ostream& out, std::ostream& messages) {
  RunMetrics metrics(experiment, compute);
  std::map<std::filesystem::path, Cost> costs;
  double measuring = 0, total = 0;
  for (const PlannedCell& planned : plan.cells) {
    const auto& folder = planned.cell.checkpoint_path;
    if (!costs.contains(folder)) {
      messages << "calibrating " << planned.cell.checkpoint << std::endl;
      const Cost cost = costs.emplace(folder, measure(plan, planned, experiment, compute)).first->second;
      measuring = measuring_ms(metrics, planned.size, plan.texts.front());
      total += cost.load;
    }
    const Cost& cost = costs.at(folder);
    const double ms = cost.text + cost.forward * static_cast<double>(forwards_of(planned)) + cost.decode + measuring;
    total += ms * static_cast<double>(images_to_make(planned, plan, metrics, store));
  }
  out << fmt::format(
      "calibrated on {} images of each checkpoint: about {} in all, of which {:.0f} ms an image for the "
      "metrics; {:.2f} GB of memory at most\n",
      kImages, duration_text(total / 1000), measuring, peak_gigabytes());
}

}  // namespace fewstep
