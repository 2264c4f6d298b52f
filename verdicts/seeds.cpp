#include "verdicts/seeds.h"

#include "core/error.h"
#include "metrics/clustered_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace fewstep {
namespace {

using Rows = std::vector<const ComparedRow*>;  // of each seed

// The variance of a mean of scores, one a seed.
double variance_of_mean(const Rows& rows, double ComparedRow::*score) {
  const auto count = static_cast<double>(rows.size());
  double mean = 0, squares = 0;
  for (const ComparedRow* row : rows) mean += row->*score / count;
  for (const ComparedRow* row : rows) squares += (row->*score - mean) * (row->*score - mean);
  return squares / (count - 1) / count;
}

const ComparedRow* find(const Comparison& comparison, const ComparedRow& like) {
  const auto found = std::find_if(comparison.rows.begin(), comparison.rows.end(), [&](const ComparedRow& row) {
    return row.cell == like.cell && row.metric == like.metric && row.protocol == like.protocol;
  });
  return found == comparison.rows.end() ? nullptr : &*found;
}

// The row of the mean; seeds differ in their checkpoints where trained says so.
ComparedRow mean_row(const Rows& rows, bool trained) {
  ComparedRow mean = *rows.front();
  for (const ComparedRow* row : rows) {
    const bool open =
        row->difference && (row->verdict == Verdict::kInconclusive || row->verdict == Verdict::kIdentical);
    if (!open) return *row;  // what it cannot be decided by
  }
  if (std::all_of(rows.begin(), rows.end(), [](auto* row) { return row->verdict == Verdict::kIdentical; })) return mean;
  const auto count = static_cast<double>(rows.size());
  mean.verdict = Verdict::kInconclusive;
  mean.baseline = mean.candidate = mean.margin = 0;
  double value = 0, squares = 0;
  std::vector<double> of_units;
  for (const ComparedRow* row : rows) {
    mean.baseline += row->baseline / count;
    mean.candidate += row->candidate / count;
    mean.margin += row->margin / count;
    value += row->difference->value / count;
    squares += row->difference->standard_error * row->difference->standard_error / count / count;
    mean.units = std::max(mean.units, row->units);
    mean.df = std::max(mean.df, row->df);
    mean.of_groups |= row->of_groups;
    if (of_units.empty()) of_units.resize(row->of_units.size());
    if (row->of_units.empty()) continue;  // identical
    if (of_units.size() != row->of_units.size()) return *row;
    for (std::size_t i = 0; i < of_units.size(); ++i) of_units[i] += row->of_units[i] / count;
  }
  double variance = squares;  // of times: nothing pairs their processes
  if (!of_units.empty()) variance = std::pow(standard_error_of_mean(of_units), 2);
  if (trained) {
    variance += variance_of_mean(rows, &ComparedRow::baseline) + variance_of_mean(rows, &ComparedRow::candidate);
    mean.df = std::min(mean.df, 2 * count - 2);
  }
  mean.difference = Difference{value, std::sqrt(variance)};
  mean.of_units = std::move(of_units);
  return mean;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& texts, std::size_t seed) {
  for (const std::string& text : texts) {
    if (std::find(to.begin(), to.end(), text) != to.end()) continue;
    to.push_back(seed == 0 ? text : fmt::format("seed {}: {}", seed + 1, text));
  }
}

}  // namespace

std::vector<std::string> split_arm(const std::string& text) {
  std::error_code failure;
  if (std::filesystem::exists(text, failure)) return {text};
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Comparison mean_over_seeds(std::vector<Comparison> seeds) {
  Comparison mean = seeds.front();
  const auto varies = [&](ComparedArm Comparison::*arm) {
    return std::any_of(seeds.begin(), seeds.end(), [&](const Comparison& one) {
      return (one.*arm).checkpoints != (seeds.front().*arm).checkpoints;
    });
  };
  const bool trained = varies(&Comparison::baseline) || varies(&Comparison::candidate);
  for (std::size_t seed = 1; seed < seeds.size(); ++seed) {
    const Comparison& one = seeds[seed];
    for (const auto& [to, from] :
         {std::pair(&mean.baseline, &one.baseline), std::pair(&mean.candidate, &one.candidate)}) {
      to->text += ", " + from->text;
      if (to->checkpoints.find(from->checkpoints) == std::string::npos) to->checkpoints += ", " + from->checkpoints;
    }
    append(mean.incomplete, one.incomplete, seed);
    append(mean.unequal, one.unequal, seed);
    append(mean.notes, one.notes, seed);
    mean.tripped.insert(mean.tripped.end(), one.tripped.begin(), one.tripped.end());
  }
  for (ComparedRow& row : mean.rows) {
    Rows rows;
    for (const Comparison& one : seeds)
      if (const ComparedRow* found = find(one, row)) rows.push_back(found);
    if (rows.size() == seeds.size()) {
      row = mean_row(rows, trained);
      continue;
    }
    row.verdict = Verdict::kIncomplete;
    row.reason = "not every seed has it";
    mean.incomplete.push_back(row.cell + ": " + row.metric + ": " + row.reason);
  }
  mean.statement = trained ? fmt::format("This is about the mean of {} checkpoints of each arm: training seeds varied.",
                                         seeds.size())
                           : fmt::format(
                                 "This is about these checkpoint files, not about the method: training seeds were not "
                                 "varied. Noise is averaged over {} seeds.",
                                 seeds.size());
  return mean;
}

}  // namespace fewstep
