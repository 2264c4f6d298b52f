#include "reports/paired.h"

#include "core/error.h"
#include "metrics/clustered_error.h"
#include "reports/document.h"
#include "reports/scores.h"
#include "store/influence.h"
#include "store/read_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fewstep {
namespace {

struct Place {
  std::string metric, name;  // "lcm", "teacher ddim"
  int steps = 0;
  auto operator<=>(const Place&) const = default;
};
// A cell's score of one seed, and what each prompt adds to it.
struct Seed {
  double value = 0;
  std::vector<std::int64_t> prompts;  // rows of the caption source
  UnitInfluence influence;
};
using Cells = std::map<Place, std::vector<Seed>>;  // one for each store

void read_store(const std::filesystem::path& path, Cells& cells) {
  auto store = Store::open(path, Store::Mode::kRead);
  for (const StoredCell& cell : read_table(store).cells) {
    if (cell.state != CellState::kComplete) throw input_error(path.string(), "expected complete cells alone");
    const CellKey& key = cell.key;
    const std::string name = key.checkpoint_name == key.sampler ? key.sampler : key.checkpoint_name + " " + key.sampler;
    for (const StoredScore& score : cell.scores) {
      auto influence = read_influence(store, cell, score);
      if (!influence || influence->groups)
        throw input_error(path.string(), "expected what each prompt adds to " + score.metric.name +
                                             ", which needs more images than the metric has features");
      auto prompts = prompt_rows_of(store, cell.series_id);
      if (prompts.size() > influence->of_unit.size()) prompts.resize(influence->of_unit.size());
      cells[{std::string(metric_title(score.metric.name)), name, key.steps}].push_back(
          {score.score.value, std::move(prompts), std::move(*influence)});
    }
  }
}

// The mean over seeds of what each prompt adds, with the given sign.
void add(std::vector<double>& sum, const std::vector<Seed>& seeds, double sign) {
  for (const Seed& seed : seeds) {
    sum.resize(seed.influence.of_unit.size());
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += sign * seed.influence.of_unit[i] / static_cast<double>(seeds.size());
  }
}

double mean_of(const std::vector<Seed>& seeds) {
  double sum = 0;
  for (const Seed& one : seeds) sum += one.value;
  return sum / static_cast<double>(seeds.size());
}

// The standard error over the prompts, of the mean over the seeds.
double error_of(const std::vector<Seed>& seeds) {
  std::vector<double> sum;
  add(sum, seeds, 1);
  return standard_error_of_mean(sum);
}

// a − b on the same prompts and noise, averaged over the seeds.
Difference difference_of(const std::vector<Seed>& a, const std::vector<Seed>& b) {
  for (const auto* seeds : {&a, &b})
    for (const Seed& seed : *seeds)
      if (seed.influence.prompts_sha256 != a.front().influence.prompts_sha256)
        throw input_error("paired", "expected the same prompts in all cells and stores, got others");
  std::vector<double> sum;
  add(sum, a, 1);
  add(sum, b, -1);
  return {mean_of(a) - mean_of(b), standard_error_of_mean(sum)};
}

void print_scores(const Cells& cells, const std::string& metric, std::ostream& out) {
  std::map<std::string, std::map<int, const std::vector<Seed>*>> rows;
  std::map<int, bool> steps;
  for (const auto& [place, seeds] : cells) {
    if (place.metric != metric) continue;
    rows[place.name][place.steps] = &seeds;
    steps[place.steps] = true;
  }
  out << "\n" << metric << ", mean over the seeds ± standard error over the prompts\n\n| |";
  for (const auto& [count, present] : steps) out << fmt::format(" {} step{} |", count, count == 1 ? "" : "s");
  out << "\n|---|";
  for (std::size_t i = 0; i < steps.size(); ++i) out << "---:|";
  out << "\n";
  for (const auto& [name, by_steps] : rows) {
    out << "| " << name << " |";
    for (const auto& [count, present] : steps) {
      const auto found = by_steps.find(count);
      out << (found == by_steps.end()
                  ? " |"
                  : fmt::format(" {:.2f} ± {:.2f} |", mean_of(*found->second), error_of(*found->second)));
    }
    out << "\n";
  }
}

// Lists each pair once, the students first; a difference beyond two standard errors is an order.
void print_differences(const Cells& cells, const std::string& metric, std::ostream& out) {
  out << "\n"
      << metric << ", paired differences (same prompts, same noise)\n\n"
      << "| steps | A | B | A − B | standard error | in standard errors |\n|---:|---|---|---:|---:|---:|\n";
  for (const auto& [a, seeds_a] : cells) {
    for (const auto& [b, seeds_b] : cells) {
      if (a.metric != metric || b.metric != metric || a.steps != b.steps || !(a.name < b.name)) continue;
      const Difference d = difference_of(seeds_a, seeds_b);
      const double ratio = d.standard_error > 0 ? d.value / d.standard_error : 0;
      const std::string words = d.standard_error > 0
                                    ? fmt::format("{:+.1f}{}", ratio, std::abs(ratio) > 2 ? "" : ", no order")
                                    : std::string(d.value == 0 ? "equal" : "");
      out << fmt::format("| {} | {} | {} | {:+.2f} | {:.2f} | {} |\n", a.steps, a.name, b.name, d.value,
                         d.standard_error, words);
    }
  }
}

std::string csv_of(const Cells& cells) {
  std::string text = "seed,prompt";
  for (const auto& [place, seeds] : cells) text += fmt::format(",{} {} {}", place.metric, place.name, place.steps);
  text += "\n";
  const auto& first = cells.begin()->second;
  for (std::size_t seed = 0; seed < first.size(); ++seed) {
    for (std::size_t i = 0; i < first[seed].prompts.size(); ++i) {
      text += fmt::format("{},{}", seed + 1, first[seed].prompts[i]);
      for (const auto& [place, seeds] : cells) text += fmt::format(",{:.4g}", seeds[seed].influence.of_unit[i]);
      text += "\n";
    }
  }
  return text;
}

}  // namespace

std::string paired_report(std::span<const std::filesystem::path> stores, std::ostream& out) {
  Cells cells;
  for (const auto& store : stores) read_store(store, cells);
  std::set<std::string> metrics;
  for (const auto& [place, seeds] : cells) {
    metrics.insert(place.metric);
    if (seeds.size() != stores.size()) throw input_error("paired", "expected the same cells in every store");
  }
  for (const std::string& metric : metrics) {
    print_scores(cells, metric, out);
    print_differences(cells, metric, out);
  }
  return csv_of(cells);
}

}  // namespace fewstep
