#include "harness/run/dry_run.h"

#include "process/progress.h"
#include "store/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

namespace fewstep {
namespace {

// Bytes of one sample's own rows in the database, as measured on a store of 10,000 samples.
constexpr std::int64_t kRowBytes = 400;

std::string bytes_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

// Milliseconds of one image of a cell; NaN where the cell is not timed.
double ms_per_image(const PlannedCell& planned, Store* store, const std::string& environment) {
  const auto series = store ? store->find_series(planned.cell.key) : std::nullopt;
  if (series) {
    if (const auto id = store->find_environment(environment)) {
      const auto timings = read_timings(*store, *series, *id);
      if (!timings.empty() && timings.front().total) return timings.front().total->median;
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

struct Sums {
  std::int64_t images = 0, kept_pixels = 0;
  double ms = 0;
};

double stored_bytes(const Sums& sums, std::int64_t feature_bytes) {
  return static_cast<double>(sums.images * (kRowBytes + feature_bytes));
}

double kept_bytes(const Experiment& experiment, const Sums& sums) {
  return experiment.keep_images ? static_cast<double>(sums.kept_pixels) * 3 : 0;
}

void print_sums(const Experiment& experiment, const Plan& plan, const Sums& sums, const SharingCount& count,
                std::int64_t feature_bytes, std::ostream& out) {
  out << fmt::format("{} cells, {} images to make of {}, {} network evaluations", plan.cells.size(), sums.images,
                     plan.images_per_cell() * static_cast<std::int64_t>(plan.cells.size()), count.asked);
  if (count.computed < count.asked)
    out << fmt::format(" of which cells share {}: {} and {} decodes are computed", count.asked - count.computed,
                       count.computed, count.decodes_computed);
  out << "\nstore: about " << bytes_text(stored_bytes(sums, feature_bytes));
  if (experiment.keep_images) out << ", images: at most " << bytes_text(kept_bytes(experiment, sums));
  out << "\ntime: "
      << (std::isfinite(sums.ms) ? "at most " + duration_text(sums.ms / 1000) + " and the metrics, from stored timings"
                                 : std::string("unknown before every cell is timed ([timing]); --calibrate measures"))
      << "\n";
}

}  // namespace

double print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics, Store* store,
                     const std::string& environment, bool share, std::ostream* out) {
  const WorkEstimate estimate = estimate_work(plan, metrics, store, share);
  Sums sums;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& planned = plan.cells[i];
    const std::int64_t images = estimate.images[i], pixels = std::int64_t{planned.size.height} * planned.size.width;
    sums.images += images;
    const std::int64_t kept = std::int64_t{plan.images_per_prompt} * std::min(experiment.keep_images, images);
    sums.kept_pixels += std::min(images, kept) * pixels;
    if (images > 0) sums.ms += static_cast<double>(images) * ms_per_image(planned, store, environment);
    if (out)
      *out << fmt::format("{}  {}x{}: {} of {} images, {} evaluations each\n", cell_label(planned.cell.key),
                          planned.size.height, planned.size.width, images, plan.images_per_cell(),
                          forwards_of(planned));
  }
  if (out) print_sums(experiment, plan, sums, estimate.total(), metrics.feature_bytes(), *out);
  return stored_bytes(sums, metrics.feature_bytes()) + kept_bytes(experiment, sums);
}

}  // namespace fewstep
