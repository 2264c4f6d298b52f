#pragma once
#include "harness/generate/plan.h"
#include "harness/score/reference_images.h"
#include "settings/experiment.h"
#include "store/read.h"
#include "store/store.h"

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <vector>

namespace fewstep {

// Where the numbers of metrics go in a store: ids of scores, and of the rows that each aggregates.
struct MetricIds {
  std::vector<std::int64_t> scores, rows;
};
MetricIds add_metrics(Store& store, std::span<const OpenMetric> metrics);  // finds or makes them

// Aggregates stored rows and keeps the score with what each prompt adds to it; note may add flags first.
struct ScorePlace {
  std::int64_t run, series, metric;
};
Score add_score(Store& store, const ScorePlace& place, const OpenMetric& metric, const Store::Rows& rows,
                const std::optional<Reference>& reference, const std::function<void(Score&)>& note = {});

// The metrics of a run: networks loaded, references read.
class RunMetrics {
 public:
  RunMetrics(const Experiment& experiment, const Compute& compute);

  // cache: the folder for statistics of reference images.
  void read_references(const Experiment& experiment, const std::filesystem::path& cache, KnownFolders known,
                       std::ostream& messages);
  void add_to(Store& store);  // finds or makes their ids
  // Ids of rows as far as name, protocol and version tell them; nothing where one is not there.
  std::optional<std::vector<std::int64_t>> find_in(Store& store) const;
  std::span<const std::int64_t> row_ids() const { return ids_.rows; }  // of what measure gives
  std::int64_t feature_bytes() const;                                  // of one image's rows in feature files

  // What the networks see of one image, for each that measures; any thread may ask.
  std::vector<Tensor> prepare(const Image& image) const;
  // Rows of one batch of prepared images, after add_to.
  std::vector<MetricRows> measure(std::span<const std::vector<Tensor>> prepared,
                                  std::span<const std::string> prompts) const;

  // The floor of every metric with a reference, for cells of so many images; of an earlier run where that has it.
  void add_floors(const Experiment& experiment, Store& store, std::int64_t run_id, std::int64_t images,
                  std::ostream& messages) const;

  // What a score of stored rows is, by metric, and what the store says (nothing where it has none of this metric);
  // nothing is written. prompt_rows: of the cell. Throws Error (kInput) when rows are missing.
  struct Recomputed {
    std::string name;
    Score now;
    std::optional<Score> stored;
  };
  std::vector<Recomputed> recompute(Store& store, const StoredCell& cell,
                                    std::span<const std::int64_t> prompt_rows) const;

  // Scores of a finished cell, from its stored rows. Throws Error (kInput) when rows are missing.
  void score(Store& store, std::int64_t run_id, std::int64_t series_id, const Plan& plan) const;

 private:
  std::vector<OpenMetric> metrics_;
  std::vector<std::size_t> sources_;                  // row_sources
  std::vector<std::optional<Reference>> references_;  // of each metric
  MetricIds ids_;
};

}  // namespace fewstep
