#include "reports/document.h"
#include "reports/scores.h"

#include "reports/number_text.h"
#include "reports/printers.h"
#include "reports/provenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <set>

namespace fewstep {
namespace {

// Footnotes, each text once.
class Notes {
 public:
  explicit Notes(std::vector<std::string>& notes) : notes_(notes) {}
  std::string mark(const std::string& text) {
    auto found = std::find(notes_.begin(), notes_.end(), text);
    if (found == notes_.end()) found = notes_.insert(notes_.end(), text);
    return fmt::format(" [{}]", found - notes_.begin() + 1);
  }

 private:
  std::vector<std::string>& notes_;
};

std::string explain(const std::string& flag) {
  if (flag == "rank-deficient")
    return "rank-deficient: fewer images than feature dimensions, so the covariance is singular and the value biased";
  return flag;
}

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

// The rows that are best in a column, all of equal ones; none where there is nothing to choose from.
std::vector<bool> best_rows(const Values& values, std::size_t column, bool higher_is_better) {
  Number best;
  std::size_t candidates = 0;
  for (const auto& row : values) {
    const Number& number = row[column].number;
    if (!number) continue;
    ++candidates;
    if (!best || (higher_is_better ? *number > *best : *number < *best)) best = number;
  }
  std::vector<bool> is_best;
  for (const auto& row : values) is_best.push_back(candidates > 1 && row[column].number == best);
  return is_best;
}

Section make_section(const std::string& title, const Arrangement& arrangement, Notes& notes,
                     const std::function<Value(const StoredCell&)>& value_of,
                     std::optional<bool> higher_is_better = {}) {
  Values values;
  for (const auto& row : arrangement.cells) {
    auto& of_row = values.emplace_back();
    for (const StoredCell* cell : row) {
      const auto instead = instead_of_number(cell, notes);
      of_row.push_back(instead ? Value{*instead} : value_of(*cell));
    }
  }
  Section section{title + take_common_marks(values), {}};
  for (const auto& row : values) {
    auto& entries = section.entries.emplace_back();
    for (const Value& value : row) entries.push_back({value.text + value.marks, false, value.number});
  }
  for (std::size_t column = 0; higher_is_better && column < arrangement.column_headers.size(); ++column) {
    const auto is_best = best_rows(values, column, *higher_is_better);
    for (std::size_t row = 0; row < is_best.size(); ++row) section.entries[row][column].best = is_best[row];
  }
  return section;
}

// A guidance_scale below 1, which means something else in diffusers. With one forward a step the network takes ω as an
// input, and diffusers gives it any scale, too.
std::string guidance_marks(const StoredCell& cell, Notes& notes) {
  const SeriesKey& series = cell.series;
  const bool twice = cell.forwards && cell.forwards->mean > series.steps;
  if (!series.given_as_guidance_scale || series.omega >= 0 || !twice) return "";
  return notes.mark("guidance_scale below 1 is negative guidance; diffusers switches guidance off there");
}

Value score_value(const StoredCell& cell, const ScoreKey& key, Notes& notes) {
  const StoredScore* stored = find_score(cell, key);
  if (!stored) return {"no score"};
  const Score& score = stored->score;
  std::string marks;
  for (const std::string& flag : score.flags) marks += notes.mark(explain(flag));
  marks += guidance_marks(cell, notes);
  if (score.count != cell.expected_images)
    marks += notes.mark(fmt::format("over {} of {} images", score.count, cell.expected_images));
  if (!std::isfinite(score.value)) return {score_text(score) + marks};
  return {score_text(score), score.value, marks};
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

void add_timings(Document& document, const StoredTable& table, const Arrangement& arrangement, Notes& notes) {
  std::set<int> batches;
  for (const StoredCell& cell : table.cells)
    for (const BatchTiming& timing : cell.timings) batches.insert(timing.batch);
  for (const int batch : batches) {
    const auto total = [&](const StoredCell& cell) -> Value {
      const BatchTiming* timing = timing_at(cell, batch);
      if (!timing || !timing->total) return {"not timed"};
      return {ms_text(timing->total->median), timing->total->median};
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
    document.sections.push_back(
        make_section("Milliseconds per image, median, " + size + " ↓", arrangement, notes, total, false));
    document.sections.push_back(make_section("of these: text / denoise / decode", arrangement, notes, stages));
  }
}

bool images_vary(const std::vector<StoredCell>& cells) {
  return std::any_of(cells.begin(), cells.end(), [&](const StoredCell& cell) {
    return cell.stored_images != cells.front().stored_images || cell.stored_images != cell.expected_images;
  });
}

}  // namespace

Document document_of(const ReportInput& input) {
  const StoredTable& table = input.table;
  const Arrangement& arrangement = input.arrangement;
  Document document;
  document.title = fmt::format("{}: run {}, {}", table.run.experiment, table.run.id, table.run.state);
  document.row_headers = arrangement.row_headers;
  document.row_labels = arrangement.row_labels;
  document.column_headers = arrangement.column_headers;
  Notes notes(document.notes);
  const auto keys = score_keys(table.cells);
  for (const ScoreKey& key : keys) {
    document.sections.push_back(make_section(
        score_title(key, keys), arrangement, notes,
        [&](const StoredCell& cell) { return score_value(cell, key, notes); }, key.metric.higher_is_better));
  }
  document.sections.push_back(make_section("Network forwards per image, measured", arrangement, notes,
                                           [&](const StoredCell& cell) { return forwards_value(cell, notes); }));
  add_timings(document, table, arrangement, notes);
  if (images_vary(table.cells)) {
    document.sections.push_back(make_section("Images", arrangement, notes, [](const StoredCell& cell) -> Value {
      return {std::to_string(cell.stored_images), static_cast<double>(cell.stored_images)};
    }));
  }
  document.provenance = provenance_lines(table);
  return document;
}

}  // namespace fewstep
