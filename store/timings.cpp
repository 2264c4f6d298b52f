#include "store/database.h"
#include "store/read.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

namespace fewstep {
namespace {

struct RawTiming {
  std::string process, stage;
  int batch = 1, repetition = 0;
  double ms = 0;
  int round = 0;
  std::int64_t run_id = 0;
};

std::vector<RawTiming> select_timings(Store::Impl& store, std::int64_t series_id, std::int64_t environment_id) {
  SQLite::Statement select(store.database,
                           "SELECT process, stage, batch, repetition, ms, " +
                               std::string(store.version < 3 ? "0" : "round") +
                               ", run_id FROM timing_sample s WHERE series_id = ?1 "
                               "AND run_id = (SELECT max(t.run_id) FROM timing_sample t JOIN run r ON r.id = t.run_id "
                               "WHERE t.series_id = ?1 AND t.batch = s.batch AND r.environment_id = ?2)");
  bind_all(select, series_id, environment_id);
  std::vector<RawTiming> rows;
  while (select.executeStep()) {
    rows.push_back({text_at(store.path, select, 0), text_at(store.path, select, 1),
                    std::max(1, small_integer_at(store.path, select, 2)), small_integer_at(store.path, select, 3),
                    real_at(store.path, select, 4), small_integer_at(store.path, select, 5),
                    integer_at(store.path, select, 6)});
  }
  return rows;
}

// A number that a run noted; 0 where it did not.
double noted_number(Store::Impl& store, std::int64_t run_id, std::string_view fact) {
  if (store.version < 3) return 0;
  SQLite::Statement select(store.database, "SELECT text FROM run_fact WHERE run_id = ? AND name = ?");
  bind_all(select, run_id, fact);
  if (!select.executeStep()) return 0;
  const double number = std::strtod(text_at(store.path, select, 0).c_str(), nullptr);
  return std::isfinite(number) ? number : 0;
}

BatchTiming timing_of(Store::Impl& store, int batch, const std::vector<const RawTiming*>& rows) {
  BatchTiming timing;
  timing.batch = batch;
  timing.other_cores = noted_number(store, rows.front()->run_id, kOtherCores);
  timing.throttled = noted_number(store, rows.front()->run_id, kThrottledSeconds);
  std::map<std::string, std::vector<double>> stages;
  struct Sum {
    double ms = 0;
    std::size_t stages = 0;
    int round = 0;
  };
  std::map<std::pair<std::string, int>, Sum> sums;  // of a repetition
  std::set<std::string> processes;
  for (const RawTiming* row : rows) {
    const double ms = row->ms / batch;
    stages[row->stage].push_back(ms);
    Sum& sum = sums[{row->process, row->repetition}];
    sum.ms += ms;
    ++sum.stages;
    sum.round = row->round;
    processes.insert(row->process);
  }
  timing.processes = static_cast<std::int64_t>(processes.size());
  for (const auto& [stage, values] : stages) timing.stages[stage] = quantiles_of(values);
  std::vector<double> totals;
  std::map<std::pair<std::string, int>, std::vector<double>> rounds;
  for (const auto& [repetition, sum] : sums) {
    if (sum.stages != stages.size()) continue;
    totals.push_back(sum.ms);
    rounds[{repetition.first, sum.round}].push_back(sum.ms);
  }
  if (totals.empty()) return timing;
  timing.total = quantiles_of(totals);
  std::vector<double> medians;
  for (auto& [round, values] : rounds) medians.push_back(quantiles_of(std::move(values)).median);
  const auto [least, most] = std::minmax_element(medians.begin(), medians.end());
  if (timing.total->median > 0) timing.drift = (*most - *least) / timing.total->median;
  return timing;
}

}  // namespace

Quantiles quantiles_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double fraction) {
    const double place = fraction * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
  };
  return {at(0.5), at(0.1), at(0.9), static_cast<std::int64_t>(values.size())};
}

std::vector<BatchTiming> read_timings(Store& store, std::int64_t series_id, std::int64_t environment_id) {
  return guarded(store.impl().path, [&] {
    const auto rows = select_timings(store.impl(), series_id, environment_id);
    std::map<int, std::vector<const RawTiming*>> batches;
    for (const RawTiming& row : rows) batches[row.batch].push_back(&row);
    std::vector<BatchTiming> timings;
    for (const auto& [batch, of_batch] : batches) timings.push_back(timing_of(store.impl(), batch, of_batch));
    return timings;
  });
}

std::vector<double> process_medians(Store& store, std::int64_t series_id, std::int64_t environment_id, int batch) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT process, repetition, sum(ms), count(*) FROM timing_sample t JOIN run r ON r.id = "
                             "t.run_id WHERE series_id = ? AND environment_id = ? AND batch = ? "
                             "GROUP BY process, repetition ORDER BY min(t.id)");
    bind_all(select, series_id, environment_id, batch);
    std::vector<std::string> order;
    std::map<std::string, std::vector<double>> totals;
    while (select.executeStep()) {
      if (integer_at(impl.path, select, 3) != static_cast<std::int64_t>(kTimingStages.size())) continue;
      const std::string process = text_at(impl.path, select, 0);
      if (!totals.contains(process)) order.push_back(process);
      totals[process].push_back(real_at(impl.path, select, 2) / batch);
    }
    std::vector<double> medians;
    for (const std::string& process : order) medians.push_back(quantiles_of(totals.at(process)).median);
    return medians;
  });
}

std::int64_t timed_repetitions(Store& store, std::int64_t series_id, std::int64_t environment_id, int batch) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT count(*) FROM timing_sample t JOIN run r ON r.id = t.run_id WHERE t.series_id = ? "
                             "AND r.environment_id = ? AND t.batch = ? AND t.stage = ? GROUP BY t.run_id "
                             "ORDER BY t.run_id DESC LIMIT 1");
    std::optional<std::int64_t> fewest;
    for (const std::string_view stage : kTimingStages) {
      bind_all(select, series_id, environment_id, batch, stage);
      const std::int64_t count = select.executeStep() ? integer_at(impl.path, select, 0) : 0;
      fewest = std::min(fewest.value_or(count), count);
    }
    return fewest.value_or(0);
  });
}

}  // namespace fewstep
