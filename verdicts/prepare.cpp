#include "verdicts/prepare.h"

#include "core/tripwires.h"
#include "reports/number_text.h"
#include "reports/scores.h"
#include "store/read_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace fewstep {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Whether a gate's NAME or NAME:PROTOCOL means a metric.
bool means(const std::string& name, const std::string& metric, const std::string& protocol) {
  return name == metric || name == metric + ":" + protocol;
}

class Preparation {
 public:
  Preparation(const Arm& baseline, const Arm& candidate, const Matching& matching, const Gate& gate)
      : baseline_(baseline), candidate_(candidate), matching_(matching), gate_(gate) {
    for (const Margin& margin : gate.margins) margin_cells_.push_back(fits_gate(baseline, margin.cells));
    for (const Allowance& allowance : gate.allowed) allowed_cells_.push_back(fits_gate(baseline, allowance.cells));
    check_metrics();
    result_.alpha = gate.alpha;
    result_.baseline = described(baseline);
    result_.candidate = described(candidate);
    result_.incomplete = matching.incomplete;
    result_.unequal = matching.unequal;
    result_.notes = matching.notes;
  }

  Comparison run() {
    for (std::size_t i = 0; i < matching_.pairs.size(); ++i) add_pair(i, matching_.pairs[i]);
    return std::move(result_);
  }

 private:
  void check_metrics() const {
    std::set<std::string> known{std::string(kLatency)};
    for (const StoredCell& cell : baseline_.table.cells)
      for (const StoredScore& score : cell.scores)
        known.insert({score.metric.name, score.metric.name + ":" + score.metric.protocol});
    const auto check = [&](const std::string& name) {
      if (!known.contains(name))
        throw usage_error("gate", "expected a metric that the baseline has, got \"" + name + "\"");
    };
    for (const std::string& name : gate_.metrics) check(name);
    for (const Margin& margin : gate_.margins) check(margin.metric);
  }

  static ComparedArm described(const Arm& arm) {
    return {
        arm.text,        arm.table.run.experiment, checkpoints_text(arm), arm.table.run.started, arm.table.run.version,
        arm.table.run.id};
  }

  std::size_t index_of(const CellPair& pair) const {
    return static_cast<std::size_t>(pair.baseline - baseline_.table.cells.data());
  }

  // The margin of a metric in a pair, and whether the gate gives it.
  std::pair<Size, bool> margin_of(const CellPair& pair, const std::string& metric, const std::string& protocol) const {
    std::pair<Size, bool> margin{default_margin(metric), false};
    for (std::size_t i = 0; i < gate_.margins.size(); ++i) {
      if (means(gate_.margins[i].metric, metric, protocol) && margin_cells_[i][index_of(pair)])
        margin = {gate_.margins[i].most_worse, true};
    }
    return margin;
  }

  bool is_counted(const std::string& metric, const std::string& protocol) const {
    return gate_.metrics.empty() || std::any_of(gate_.metrics.begin(), gate_.metrics.end(),
                                                [&](const std::string& name) { return means(name, metric, protocol); });
  }

  void add_pair(std::size_t i, const CellPair& pair) {
    for (const std::string& text : pair.incomplete) result_.incomplete.push_back(pair.label + ": " + text);
    for (const std::string& text : pair.unequal) add_once(result_.unequal, pair.label, text);
    for (const std::string& text : pair.notes) add_once(result_.notes, pair.label, text);
    for (const ScoreKey& key : score_keys({*pair.baseline}))
      if (is_counted(key.metric.name, key.metric.protocol)) add_score(i, pair, key);
    if (pair.incomplete.empty()) {
      add_trips(pair);
      add_latency(i, pair);
    }
  }

  // "all cells: text" stands better than a line for each.
  void add_once(std::vector<std::string>& list, const std::string& label, const std::string& text) {
    const auto same = [&](const CellPair& pair) {
      return std::count(pair.notes.begin(), pair.notes.end(), text) +
                 std::count(pair.unequal.begin(), pair.unequal.end(), text) >
             0;
    };
    const bool all = matching_.pairs.size() > 1 && std::all_of(matching_.pairs.begin(), matching_.pairs.end(), same);
    const std::string line = (all ? "all cells" : label) + ": " + text;
    if (std::find(list.begin(), list.end(), line) == list.end()) list.push_back(line);
  }

  ComparedRow new_row(std::size_t i, const CellPair& pair, const std::string& metric, const std::string& protocol,
                      bool higher_is_better) const {
    ComparedRow row;
    row.cell = pair.label;
    row.metric = metric;
    row.protocol = protocol;
    row.higher_is_better = higher_is_better;
    row.pair = i;
    row.baseline = row.candidate = kNone;
    return row;
  }

  void add_score(std::size_t i, const CellPair& pair, const ScoreKey& key) {
    ComparedRow row = new_row(i, pair, key.metric.name, key.metric.protocol, key.metric.higher_is_better);
    const StoredScore *ours = find_score(*pair.baseline, key), *theirs = find_score(*pair.candidate, key);
    if (ours) row.baseline = ours->score.value;
    if (theirs) row.candidate = theirs->score.value;
    row.margin_size = margin_of(pair, row.metric, row.protocol).first;
    if (std::isfinite(row.baseline)) row.margin = row.margin_size.of(row.baseline);
    decide_or_prepare(row, pair, ours, theirs);
    result_.rows.push_back(std::move(row));
  }

  // What can be said of a row before statistics; else it is inconclusive with a difference.
  void decide_or_prepare(ComparedRow& row, const CellPair& pair, const StoredScore* ours, const StoredScore* theirs) {
    const auto is = [&](Verdict verdict, const std::string& reason) {
      row.verdict = verdict;
      row.reason = reason;
    };
    if (!pair.incomplete.empty()) return is(Verdict::kIncomplete, pair.incomplete.front());
    if (!pair.unequal.empty()) return is(Verdict::kNotComparable, pair.unequal.front());
    if (!ours || !theirs) return is(Verdict::kNotComparable, "an arm has no such score");
    for (const auto& [name, stored, cell] :
         {std::tuple("baseline", ours, pair.baseline), std::tuple("candidate", theirs, pair.candidate)}) {
      if (!std::isfinite(stored->score.value))
        return incomplete(row, pair, fmt::format("{}: {} is {}", name, row.metric, score_text(stored->score)));
      if (stored->score.count != cell->expected_images)
        return incomplete(
            row, pair,
            fmt::format("{}: {} counts {} of {} images", name, row.metric, stored->score.count, cell->expected_images));
    }
    const std::string &a = pair.baseline->digest.images_sha256, &b = pair.candidate->digest.images_sha256;
    if (!a.empty() && a == b && row.baseline == row.candidate) {
      row.difference = Difference{0, 0};
      return is(Verdict::kIdentical, "");
    }
    row.verdict = Verdict::kInconclusive;
    const std::int64_t prompts = pair.baseline->expected_images / std::max(1, pair.baseline->images_per_prompt);
    const auto of_a = read_influence(*baseline_.store, *pair.baseline, *ours);
    const auto of_b = read_influence(*candidate_.store, *pair.candidate, *theirs);
    const auto difference = of_a && of_b ? paired_difference(*theirs, *of_b, *ours, *of_a) : std::nullopt;
    if (prompts < kLeastPrompts) {
      row.reason = fmt::format("{} prompts are too few: no standard error below {}", prompts, kLeastPrompts);
      return;
    }
    if (!difference || !std::isfinite(difference->standard_error)) {
      row.reason = "the stores do not hold what each image adds to it, so that there is no paired standard error";
      return;
    }
    row.difference = difference;
    row.units = static_cast<std::int64_t>(of_a->of_unit.size());
    row.df = static_cast<double>(row.units - 1);
    row.of_groups = of_a->groups;
    row.of_units = of_b->of_unit;
    for (std::size_t i = 0; i < row.of_units.size(); ++i) row.of_units[i] -= of_a->of_unit[i];
  }

  void incomplete(ComparedRow& row, const CellPair& pair, const std::string& reason) {
    row.verdict = Verdict::kIncomplete;
    row.reason = reason;
    result_.incomplete.push_back(pair.label + ": " + reason);
  }

  void add_trips(const CellPair& pair) {
    const auto &ours = pair.baseline->digest.tripped, &theirs = pair.candidate->digest.tripped;
    if (!theirs) {
      result_.incomplete.push_back(
          pair.label +
          ": candidate: nobody looked whether images trip a wire (an older version made them); "
          "run it again into a new --store");
      return;
    }
    if (theirs->empty()) return;
    const auto of_baseline = tripped_images(*baseline_.store, pair.baseline->series_id);
    const auto of_candidate = tripped_images(*candidate_.store, pair.candidate->series_id);
    for (std::size_t wire = 0; wire < kTripwires.size(); ++wire) {
      const std::string name(kTripwires[wire].name);
      if (!theirs->contains(name)) continue;
      TrippedRow row{pair.label,
                     name,
                     ours && ours->contains(name) ? ours->at(name) : 0,
                     theirs->at(name),
                     pair.candidate->expected_images,
                     0,
                     0,
                     false};
      for (const auto& [image, bits] : of_candidate) {
        if (!(bits >> wire & 1) || image.second >= pair.candidate->images_per_prompt) continue;
        const auto like = of_baseline.find(image);
        if (like == of_baseline.end() || !(like->second >> wire & 1)) ++row.fresh;
      }
      for (std::size_t a = 0; a < gate_.allowed.size(); ++a)
        if (gate_.allowed[a].tripwire == name && allowed_cells_[a][index_of(pair)])
          row.allowed = gate_.allowed[a].images;
      const bool wholly = row.baseline == row.images && row.candidate == row.images;
      row.fails = (row.fresh > 0 || wholly) && std::max(row.fresh, wholly ? row.images : 0) > row.allowed;
      result_.tripped.push_back(row);
    }
  }

  void add_latency(std::size_t i, const CellPair& pair) {
    const auto &ours = pair.baseline->timings, &theirs = pair.candidate->timings;
    const bool asked = gate_.asks_for_latency() && margin_of(pair, std::string(kLatency), "").second;
    if ((ours.empty() || theirs.empty()) && !asked) return;
    ComparedRow row = new_row(i, pair, std::string(kLatency), "", false);
    row.counts = asked;
    row.margin_size = margin_of(pair, row.metric, row.protocol).first;
    fill_latency(row, pair, baseline_, candidate_, margin_of(pair, row.metric, row.protocol).first, asked, result_);
    result_.rows.push_back(std::move(row));
  }

  const Arm &baseline_, &candidate_;
  const Matching& matching_;
  const Gate& gate_;
  std::vector<std::vector<bool>> margin_cells_, allowed_cells_;
  Comparison result_;
};

}  // namespace

Comparison prepare(const Arm& baseline, const Arm& candidate, const Matching& matching, const Gate& gate) {
  return Preparation(baseline, candidate, matching, gate).run();
}

}  // namespace fewstep
