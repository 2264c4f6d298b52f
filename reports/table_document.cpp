#include "reports/table_document.h"

#include "core/error.h"
#include "core/grouped.h"
#include "reports/bold.h"
#include "reports/figures.h"
#include "reports/flags.h"
#include "reports/notes.h"
#include "reports/number_text.h"
#include "reports/printers.h"
#include "reports/provenance.h"
#include "reports/published.h"
#include "reports/scores.h"
#include "store/trained_for.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace fewstep {
namespace {

// What stands where a number cannot; nothing for a complete cell.
std::optional<std::string> instead_of_number(const StoredCell* cell, Notes& notes) {
  if (!cell) return "–";
  if (cell->state == CellState::kComplete) return std::nullopt;
  return state_text(*cell) + (cell->message.empty() ? "" : notes.mark(cell->message));
}

using Number = std::optional<double>;
struct Value {
  std::string text;
  Number number = {};      // by which the best of a column is chosen
  std::string marks = {};  // of its footnotes
  bool may_be_best = true;
};

using Values = std::vector<std::vector<Value>>;

// The marks that every number carries, moved to the title: said once.
std::string take_common_marks(Values& values) {
  std::optional<std::string> common;
  for (const auto& row : values) {
    for (const Value& value : row) {
      if (!value.number) continue;
      if (common && *common != value.marks) return "";
      common = value.marks;
    }
  }
  for (auto& row : values)
    for (Value& value : row)
      if (value.number) value.marks.clear();
  return common.value_or("");
}

// How the numbers of a section are told apart; a section without one has no best.
struct Bold {
  bool higher_is_better = false;
  ToldApart told_apart;
};

Section make_section(const std::string& title, const Arrangement& arrangement, Notes& notes,
                     const std::function<Value(const StoredCell&)>& value_of, const std::optional<Bold>& bold = {}) {
  Values values;
  for (const auto& row : arrangement.cells) {
    auto& of_row = values.emplace_back();
    for (const StoredCell* cell : row) {
      const auto instead = instead_of_number(cell, notes);
      of_row.push_back(instead ? Value{*instead} : value_of(*cell));
    }
  }
  Section section{title};
  section.marks = take_common_marks(values);
  for (const auto& row : values) {
    auto& entries = section.entries.emplace_back();
    for (const Value& value : row) entries.push_back({value.text, false, value.number, value.marks});
  }
  for (std::size_t column = 0; bold && column < arrangement.column_headers.size(); ++column) {
    std::vector<std::optional<Candidate>> candidates;
    for (std::size_t row = 0; row < values.size(); ++row) {
      const Value& value = values[row][column];
      candidates.push_back(value.number && value.may_be_best
                               ? std::optional(Candidate{arrangement.cells[row][column], *value.number})
                               : std::nullopt);
    }
    const auto is_best = choose_bold(candidates, bold->higher_is_better, bold->told_apart);
    for (std::size_t row = 0; row < is_best.size(); ++row) section.entries[row][column].best = is_best[row];
  }
  return section;
}

// A guidance_scale below 1, which means something else in diffusers. With one forward a step the network takes ω as an
// input, and diffusers gives it any scale, too.
std::string guidance_marks(const StoredCell& cell, Notes& notes) {
  const CellKey& series = cell.key;
  const bool twice = cell.forwards && cell.forwards->mean > series.steps;
  if (!series.given_as_guidance_scale || series.omega >= 0 || !twice) return "";
  return notes.mark("guidance_scale below 1 is negative guidance; diffusers switches guidance off there");
}

// What a student was not trained for.
class TrainingMarks {
 public:
  explicit TrainingMarks(const std::vector<TrainingRecord>& trainings) {
    for (const TrainingRecord& record : trainings) known_[record.checkpoint_sha256] = trained_for(record);
  }
  std::string of(const StoredCell& cell, Notes& notes) const {
    const auto found = known_.find(cell.key.checkpoint_sha256);
    std::string marks;
    if (found == known_.end()) return marks;
    for (const std::string& warning : outside_training(found->second, cell.key)) marks += notes.mark(warning);
    return marks;
  }

 private:
  std::map<std::string, TrainedFor> known_;
};

Value score_value(const StoredCell& cell, const ScoreKey& key, const TrainingMarks& trainings, Notes& notes) {
  const StoredScore* stored = find_score(cell, key);
  if (!stored) return {"no score"};
  const Score& score = stored->score;
  std::string marks;
  for (const Flag& flag : score.flags)
    if (flag.kind != FlagKind::kBiasedUpward) marks += notes.mark(explain_flag(flag));
  marks += guidance_marks(cell, notes) + trainings.of(cell, notes);
  const bool whole = score.count == cell.expected_images;
  if (!whole) marks += notes.mark(fmt::format("over {} of {} images", score.count, cell.expected_images));
  if (!std::isfinite(score.value)) return {score_text(score) + marks};
  return {score_text(score), score.value, marks, whole};
}

Value forwards_value(const StoredCell& cell, Notes& notes) {
  if (!cell.forwards) return {"none stored"};
  const Forwards& forwards = *cell.forwards;
  const std::string marks = guidance_marks(cell, notes);
  if (forwards.min == forwards.max) return {std::to_string(forwards.min), forwards.mean, marks};
  return {fmt::format("{:.2f} ({}–{})", forwards.mean, forwards.min, forwards.max), forwards.mean, marks};
}

const BatchTiming* timing_at(const StoredCell& cell, int batch) {
  const auto found = std::find_if(cell.timings.begin(), cell.timings.end(),
                                  [&](const BatchTiming& timing) { return timing.batch == batch; });
  return found == cell.timings.end() ? nullptr : &*found;
}

constexpr const char* kUnstable =
    "unstable: repetitions, or the medians of the rounds, differ by more than 20 %, or other processes used more than "
    "a tenth of a core; the machine did other work, or its "
    "clock changed. Time it again on a quiet machine (run --retime)";

std::string throttled_text(double seconds) {
  return fmt::format(
      "throttled: the CPU quota of the control group held threads back for {:.1f} s while the cells were timed, so "
      "that a time depends on the quota; give the process whole CPUs (cpu.max, docker --cpus)",
      seconds);
}

void add_timings(Document& document, const StoredTable& table, const Arrangement& arrangement, Notes& notes) {
  std::set<int> batches;
  for (const StoredCell& cell : table.cells)
    for (const BatchTiming& timing : cell.timings) batches.insert(timing.batch);
  for (const int batch : batches) {
    const auto total = [&](const StoredCell& cell) -> Value {
      const BatchTiming* timing = timing_at(cell, batch);
      if (!timing || !timing->total) return {"not timed"};
      const Quantiles& ms = *timing->total;
      return {fmt::format("{} ({}–{})", ms_text(ms.median), ms_text(ms.p10), ms_text(ms.p90)), ms.median,
              (timing->unstable() ? notes.mark(kUnstable) : "") +
                  (timing->throttled > 0 ? notes.mark(throttled_text(timing->throttled)) : "")};
    };
    const ToldApart apart = [batch](const StoredCell& best, const StoredCell& other) -> std::optional<bool> {
      const BatchTiming *a = timing_at(best, batch), *b = timing_at(other, batch);
      if (!a || !b || !a->total || !b->total) return {};
      return a->total->p90 < b->total->p10 || b->total->p90 < a->total->p10;
    };
    const auto stages = [&](const StoredCell& cell) -> Value {
      const BatchTiming* timing = timing_at(cell, batch);
      if (!timing) return {"not timed"};
      std::string text;
      Number denoise;  // by which rows are sorted
      for (const std::string_view stage : kTimingStages) {
        const auto found = timing->stages.find(std::string(stage));
        text += (text.empty() ? "" : " / ") + (found == timing->stages.end() ? "–" : ms_text(found->second.median));
        if (stage == "denoise" && found != timing->stages.end()) denoise = found->second.median;
      }
      return {text, denoise};
    };
    const std::string size = fmt::format("batch {}", batch);
    document.sections.push_back(make_section("Milliseconds per image, median (10th–90th percentile), " + size + " ↓",
                                             arrangement, notes, total, Bold{false, apart}));
    document.sections.push_back(make_section("of these: text / denoise / decode", arrangement, notes, stages));
  }
}

// A last row: what reference images that were held out reach.
void add_floor(Section& section, const StoredTable& table, const ScoreKey& key, const Arrangement& arrangement,
               Notes& notes) {
  for (const StoredScore& floor : table.floors) {
    if (!(ScoreKey{floor.metric, floor.reference_hash} == key)) continue;
    std::vector<std::string> labels(arrangement.row_headers.size());
    labels.front() = "floor" + notes.mark(fmt::format(
                                   "floor: {} held-out reference images against the other ones, what no model can be "
                                   "expected to fall below at this number of images",
                                   floor.score.count));
    Entry entry{score_text(floor.score)};
    for (const Flag& flag : floor.score.flags)
      if (flag.kind != FlagKind::kBiasedUpward) entry.marks += notes.mark(explain_flag(flag));
    section.more_labels.push_back(std::move(labels));
    section.entries.emplace_back(arrangement.column_headers.size(), std::move(entry));
  }
}

bool has_flag(const std::vector<StoredCell>& cells, const ScoreKey& key, FlagKind flag) {
  return std::ranges::any_of(cells, [&](const StoredCell& cell) {
    const StoredScore* stored = find_score(cell, key);
    return stored && std::ranges::count(stored->score.flags, flag, &Flag::kind) > 0;
  });
}

// Of the cells with stable times those that no other one beats in both, at the first batch size.
void mark_front(Section& section, const Arrangement& arrangement, const ScoreKey& key) {
  std::map<const StoredCell*, std::pair<double, double>> places;  // milliseconds, score
  std::vector<std::pair<double, double>> points;
  for (const auto& row : arrangement.cells) {
    for (const StoredCell* cell : row) {
      const StoredScore* stored = cell ? find_score(*cell, key) : nullptr;
      if (!stored || !std::isfinite(stored->score.value) || cell->timings.empty() || !cell->timings.front().total ||
          cell->timings.front().unstable())
        continue;
      places[cell] = {cell->timings.front().total->median, stored->score.value};
      points.push_back(places[cell]);
    }
  }
  const auto front = pareto_front(points, key.metric.higher_is_better);
  for (std::size_t row = 0; points.size() > 1 && row < arrangement.cells.size(); ++row) {
    for (std::size_t column = 0; column < arrangement.cells[row].size(); ++column) {
      const auto place = places.find(arrangement.cells[row][column]);
      section.entries[row][column].on_front =
          place != places.end() && std::find(front.begin(), front.end(), place->second) != front.end();
    }
  }
}

bool images_vary(const std::vector<StoredCell>& cells) {
  return std::any_of(cells.begin(), cells.end(), [&](const StoredCell& cell) {
    return cell.stored_images != cells.front().stored_images || cell.stored_images != cell.expected_images;
  });
}

// The steps that all cells of a column have; NaN where they differ.
double steps_of_column(const Arrangement& arrangement, std::size_t column) {
  std::set<int> steps;
  for (const auto& row : arrangement.cells)
    if (row[column]) steps.insert(row[column]->key.steps);
  return steps.size() == 1 ? *steps.begin() : std::numeric_limits<double>::quiet_NaN();
}

bool any_trips(const std::vector<StoredCell>& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](const StoredCell& cell) { return cell.digest.tripped && !cell.digest.tripped->empty(); });
}

// "3 one-colour [1], 1 noise [2]".
Value trips_value(const StoredCell& cell, Notes& notes) {
  if (!cell.digest.tripped) return {"not looked at"};
  std::string text;
  std::int64_t sum = 0;
  for (const Tripwire& wire : kTripwires) {
    const auto found = cell.digest.tripped->find(std::string(wire.name));
    if (found == cell.digest.tripped->end()) continue;
    sum += found->second;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", found->second, wire.name) +
            notes.mark(std::string(wire.meaning));
  }
  return {text.empty() ? "none" : text, static_cast<double>(sum)};
}

// A document with the arrangement's rows and columns, and no section.
Document empty_document(const ReportInput& input) {
  const StoredTable& table = input.table;
  Document document;
  document.title = title_of(input.arms);
  for (const Arm& arm : input.arms)
    document.experiment +=
        (document.experiment.empty() ? "" : " ") + (arm.name.empty() ? table.run.experiment : arm.name);
  if (!table.cells.empty() && !images_vary(table.cells))
    document.images = fmt::format("{} images in each cell", table.cells.front().expected_images);
  document.row_headers = input.arrangement.row_headers;
  document.row_labels = input.arrangement.row_labels;
  document.column_headers = input.arrangement.column_headers;
  if (document.row_headers.size() > 1) document.methods = method_labels(input.arrangement);
  return document;
}

void add_scores(Document& document, const ReportInput& input, const std::vector<ScoreKey>& keys, Notes& notes) {
  const auto& cells = input.table.cells;
  const TrainingMarks trainings(trainings_of(input.arms));
  for (const ScoreKey& key : keys) {
    ScoreDifferences differences(store_of(input.arms), key);
    document.sections.push_back(make_section(
        score_title(key, keys), input.arrangement, notes,
        [&](const StoredCell& cell) { return score_value(cell, key, trainings, notes); },
        Bold{key.metric.higher_is_better, by_pairs(differences)}));
    Section& section = document.sections.back();
    if (!document.images.empty()) section.images = grouped(cells.front().expected_images) + " images";
    if (has_flag(cells, key, FlagKind::kBiasedUpward))
      section.marks += notes.mark(explain_flag(FlagKind::kBiasedUpward));
    if (at_equal_n(cells, key))
      mark_front(section, input.arrangement, key);
    else
      section.marks += notes.mark(
          "of unequal numbers of images, on which this distance depends: nothing is bold, on the front or the best");
    add_floor(section, input.table, key, input.arrangement, notes);
  }
}

void add_published_rows(Document& document, const ReportInput& input, const std::vector<ScoreKey>& keys) {
  std::vector<std::string> metrics;
  for (const ScoreKey& key : keys) metrics.push_back(key.metric.name);
  std::vector<double> steps;
  for (std::size_t column = 0; column < input.arrangement.column_headers.size(); ++column)
    steps.push_back(steps_of_column(input.arrangement, column));
  if (input.published->axis != "steps")
    throw usage_error("--published", "expected numbers over steps, got those of " + input.published->name + " over " +
                                         input.published->axis + "; --ablation shows them");
  add_published(document, *input.published, steps, metrics);
}

}  // namespace

Document document_of(const ReportInput& input) {
  const auto& cells = input.table.cells;
  const Arrangement& arrangement = input.arrangement;
  Document document = empty_document(input);
  Notes notes(document.notes);
  const auto add = [&](const char* title, const auto& value) {
    document.sections.push_back(make_section(title, arrangement, notes, value));
  };
  const auto keys = score_keys(cells);
  add_scores(document, input, keys, notes);
  if (input.forwards)
    add("Network forwards per image, measured", [&](const StoredCell& cell) { return forwards_value(cell, notes); });
  if (input.times) add_timings(document, input.table, arrangement, notes);
  if (images_vary(cells))
    add("Images", [](const StoredCell& cell) -> Value {
      return {std::to_string(cell.stored_images), static_cast<double>(cell.stored_images)};
    });
  if (input.published) add_published_rows(document, input, keys);
  if (any_trips(cells))
    add("Images that trip a wire: no metric of such a cell is to be believed",
        [&](const StoredCell& cell) { return trips_value(cell, notes); });
  document.provenance = provenance_lines(input.arms);
  if (input.by_metric) document = by_metric(with_methods(std::move(document), arrangement));
  return document;
}

}  // namespace fewstep
