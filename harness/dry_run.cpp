#include "harness/dry_run.h"

#include "harness/progress.h"
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

// What is still to be made for one cell; ms_per_image is NaN where the cell is not timed.
struct CellRest {
  std::int64_t images = 0;
  double ms_per_image = std::numeric_limits<double>::quiet_NaN();
};

CellRest rest_of(const PlannedCell& planned, const Plan& plan, const RunMetrics& metrics, Store* store,
                 const std::string& environment) {
  CellRest rest{images_to_make(planned, plan, metrics, store)};
  const auto series = store ? store->find_series(planned.series) : std::nullopt;
  if (!series) return rest;
  if (const auto id = store->find_environment(environment)) {
    const auto timings = read_timings(*store, *series, *id);
    if (!timings.empty() && timings.front().total) rest.ms_per_image = timings.front().total->median;
  }
  return rest;
}

struct Sums {
  std::int64_t images = 0, evaluations = 0, kept_pixels = 0;
  double ms = 0;
};

double bytes_of(const Experiment& experiment, const Sums& sums, std::int64_t feature_bytes) {
  const auto stored = static_cast<double>(sums.images * (kRowBytes + feature_bytes));
  return stored + (experiment.keep_images ? static_cast<double>(sums.kept_pixels) * 3 : 0);
}

void print_sums(const Experiment& experiment, const Plan& plan, const Sums& sums, std::int64_t feature_bytes,
                std::ostream& out) {
  const std::int64_t stored = sums.images * (kRowBytes + feature_bytes);
  out << fmt::format("{} cells, {} images to make of {}, {} network evaluations\n", plan.cells.size(), sums.images,
                     plan.images_per_cell() * static_cast<std::int64_t>(plan.cells.size()), sums.evaluations);
  out << "store: about " << bytes_text(static_cast<double>(stored));
  if (experiment.keep_images) out << ", images: at most " << bytes_text(static_cast<double>(sums.kept_pixels) * 3);
  out << "\ntime: "
      << (std::isfinite(sums.ms) ? "about " + duration_text(sums.ms / 1000) + " and the metrics, from stored timings"
                                 : std::string("unknown before every cell is timed ([timing])"))
      << "\n";
}

}  // namespace

double print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics, Store* store,
                     const std::string& environment, std::ostream* out) {
  Sums sums;
  for (const PlannedCell& planned : plan.cells) {
    const CellRest rest = rest_of(planned, plan, metrics, store, environment);
    const std::int64_t forwards = forwards_of(planned);
    const std::int64_t pixels = std::int64_t{planned.size.height} * planned.size.width;
    sums.images += rest.images;
    sums.evaluations += rest.images * forwards;
    const std::int64_t kept = plan.images_per_cell() / static_cast<std::int64_t>(plan.texts.size());
    sums.kept_pixels += std::min(rest.images, kept * std::min(experiment.keep_images, plan.images_per_cell())) * pixels;
    if (rest.images > 0) sums.ms += static_cast<double>(rest.images) * rest.ms_per_image;
    if (out)
      *out << fmt::format("{}  {}x{}: {} of {} images, {} evaluations each\n", label_of(planned.cell),
                          planned.size.height, planned.size.width, rest.images, plan.images_per_cell(), forwards);
  }
  if (out) print_sums(experiment, plan, sums, metrics.feature_bytes(), *out);
  return bytes_of(experiment, sums, metrics.feature_bytes());
}

std::int64_t images_to_make(const PlannedCell& planned, const Plan& plan, const RunMetrics& metrics, Store* store) {
  const auto series = store ? store->find_series(planned.series) : std::nullopt;
  const auto ids = series ? metrics.find_in(*store) : std::nullopt;
  if (!ids) return plan.images_per_cell();
  return count_images(missing_batches(plan, store->finished(*series, *ids), 1));
}

std::int64_t forwards_of(const PlannedCell& planned) {
  return std::int64_t{planned.cell.steps} * (evaluates_twice(planned.cell, planned.checkpoint) ? 2 : 1);
}

}  // namespace fewstep
