#include "harness/dry_run.h"

#include "harness/progress.h"
#include "store/read.h"

#include <fmt/format.h>

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
  CellRest rest{plan.images_per_cell()};
  if (!store) return rest;
  const auto series = store->find_series(planned.series);
  if (!series) return rest;
  if (const auto ids = metrics.find_in(*store))
    rest.images = count_images(missing_batches(plan, store->finished(*series, *ids), 1));
  if (const auto id = store->find_environment(environment)) {
    const auto timings = read_timings(*store, *series, *id);
    if (!timings.empty() && timings.front().total) rest.ms_per_image = timings.front().total->median;
  }
  return rest;
}

struct Sums {
  std::int64_t images = 0, evaluations = 0, pixels = 0;
  double ms = 0;
};

void print_sums(const Experiment& experiment, const Plan& plan, const Sums& sums, std::int64_t feature_bytes,
                std::ostream& out) {
  const std::int64_t stored = sums.images * (kRowBytes + feature_bytes);
  out << fmt::format("{} cells, {} images to make of {}, {} network evaluations\n", plan.cells.size(), sums.images,
                     plan.images_per_cell() * static_cast<std::int64_t>(plan.cells.size()), sums.evaluations);
  out << "store: about " << bytes_text(static_cast<double>(stored));
  if (experiment.keep_images) out << ", images: at most " << bytes_text(static_cast<double>(sums.pixels) * 3);
  out << "\ntime: "
      << (std::isfinite(sums.ms) ? "about " + duration_text(sums.ms / 1000) + " and the metrics, from stored timings"
                                 : std::string("unknown before every cell is timed ([timing])"))
      << "\n";
}

}  // namespace

void print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics,
                   const std::filesystem::path& store, const std::string& environment, std::ostream& out) {
  std::optional<Store> stored;
  if (std::filesystem::exists(store)) stored.emplace(Store::open(store, Store::Mode::kRead));
  Sums sums;
  for (const PlannedCell& planned : plan.cells) {
    const CellRest rest = rest_of(planned, plan, metrics, stored ? &*stored : nullptr, environment);
    const std::int64_t forwards =
        std::int64_t{planned.cell.steps} * (evaluates_twice(planned.cell, planned.checkpoint) ? 2 : 1);
    sums.images += rest.images;
    sums.evaluations += rest.images * forwards;
    sums.pixels += rest.images * planned.size.height * planned.size.width;
    if (rest.images > 0) sums.ms += static_cast<double>(rest.images) * rest.ms_per_image;
    out << fmt::format("{}  {}x{}: {} of {} images, {} evaluations each\n", label_of(planned.cell), planned.size.height,
                       planned.size.width, rest.images, plan.images_per_cell(), forwards);
  }
  print_sums(experiment, plan, sums, metrics.feature_bytes(), out);
}

}  // namespace fewstep
