// fewstep_paired --reference FILE.npz [--contributions FILE.csv] STORE…: scores and paired differences of the cells of
// stores that differ in their sampling seed alone, as Markdown; and what each prompt adds to each score, as CSV.
#include "cli/exit_status.h"
#include "core/error.h"
#include "core/files.h"
#include "harness/paired.h"
#include "metrics/statistics_file.h"
#include "reports/document.h"
#include "reports/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <optional>

namespace fewstep {
namespace {

struct Place {
  std::string metric, name;  // "lcm", "teacher ddim"
  int steps = 0;
  auto operator<=>(const Place&) const = default;
};
using Cells = std::map<Place, std::vector<Contributions>>;  // one for each store

void read_store(const std::filesystem::path& path, const std::filesystem::path& npz, Cells& cells) {
  const Gaussian reference = read_statistics(npz).gaussian;
  const std::string hash = sha256_file(npz);
  auto store = Store::open(path, Store::Mode::kRead);
  for (const StoredCell& cell : read_table(store).cells) {
    if (cell.state != CellState::kComplete) throw input_error(path.string(), "expected complete cells alone");
    const SeriesKey& key = cell.series;
    const std::string name = key.checkpoint_name == key.sampler ? key.sampler : key.checkpoint_name + " " + key.sampler;
    for (const StoredScore& score : cell.scores) {
      if (!score.reference_hash.empty() && score.reference_hash != hash)
        throw input_error(path.string(), "expected scores against " + npz.string() + ", got another reference");
      const bool distance = !score.reference_hash.empty();
      cells[{std::string(metric_title(score.metric.name)), name, key.steps}].push_back(
          contributions(store, cell, score, distance ? &reference : nullptr));
    }
  }
}

double mean_of(const std::vector<Contributions>& seeds) {
  double sum = 0;
  for (const Contributions& one : seeds) sum += one.value;
  return sum / static_cast<double>(seeds.size());
}

// The standard error over the prompts, of the mean over the seeds.
double error_of(std::vector<Contributions> seeds) {
  std::vector<Contributions> nothing = seeds;
  for (Contributions& one : nothing) {
    one.value = 0;
    std::fill(one.of_prompt.begin(), one.of_prompt.end(), 0);
  }
  return paired_difference(seeds, nothing).standard_error;
}

void print_scores(const Cells& cells, const std::string& metric, std::ostream& out) {
  std::map<std::string, std::map<int, const std::vector<Contributions>*>> rows;
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
      const PairedDifference d = paired_difference(seeds_a, seeds_b);
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
      for (const auto& [place, seeds] : cells) text += fmt::format(",{:.4g}", seeds[seed].of_prompt[i]);
      text += "\n";
    }
  }
  return text;
}

int run(int argc, char** argv) {
  std::vector<std::filesystem::path> stores;
  std::optional<std::filesystem::path> reference, csv;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if ((word == "--reference" || word == "--contributions") && i + 1 < argc)
      (word == "--reference" ? reference : csv) = argv[++i];
    else
      stores.emplace_back(word);
  }
  if (stores.empty() || !reference)
    throw usage_error("fewstep_paired", "expected --reference FILE.npz [--contributions FILE.csv] STORE…");
  Cells cells;
  for (const auto& store : stores) read_store(store, *reference, cells);
  std::map<std::string, bool> metrics;
  for (const auto& [place, seeds] : cells) {
    metrics[place.metric] = true;
    if (seeds.size() != stores.size()) throw input_error("fewstep_paired", "expected the same cells in every store");
  }
  for (const auto& [metric, present] : metrics) {
    print_scores(cells, metric, std::cout);
    print_differences(cells, metric, std::cout);
  }
  if (csv) write_file_atomically(*csv, csv_of(cells));
  return 0;
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  return fewstep::run_to_exit_code([&] { return fewstep::run(argc, argv); });
}
