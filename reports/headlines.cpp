#include "reports/headlines.h"

#include "core/checkpoint_kind.h"
#include "core/grouped.h"
#include "metrics/margin.h"
#include "reports/bold.h"
#include "reports/figures.h"
#include "reports/not_worse.h"
#include "reports/scores.h"
#include "store/trained_for.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace fewstep {
namespace {

constexpr double kAlpha = 0.05;

struct Place {
  const StoredCell* cell = nullptr;
  std::string text;  // "lcm · 8 steps"
};

bool is_teacher(const StoredCell& cell) { return cell.key.checkpoint_kind == name_of(CheckpointKind::kTeacher); }

// The cells of a checkpoint that have a score over all of their images.
std::vector<Place> places_of(const CellLines& lines, const ScoreKey& key, const std::string& checkpoint) {
  std::vector<Place> places;
  for (const CellLine& line : lines.lines) {
    for (std::size_t column = 0; column < line.cells.size(); ++column) {
      const StoredCell* cell = line.cells[column];
      if (!cell || cell->key.checkpoint_name != checkpoint) continue;
      const StoredScore* stored = find_score(*cell, key);
      if (!stored || !std::isfinite(stored->score.value) || stored->score.count != cell->expected_images) continue;
      places.push_back({cell, line.label + " · " + lines.columns[column]});
    }
  }
  return places;
}

const Place* best_of(const std::vector<Place>& places, const ScoreKey& key) {
  const auto worse = [&](const Place& a, const Place& b) {
    const double left = find_score(*a.cell, key)->score.value, right = find_score(*b.cell, key)->score.value;
    return key.metric.higher_is_better ? left < right : left > right;
  };
  return places.empty() ? nullptr : &*std::max_element(places.begin(), places.end(), worse);
}

// The teacher's cell and the student's, metric by metric; nothing of a metric without a paired standard error, or of a
// cell with images that fail a sanity check.
CellGap gap_of(const StoreOf& store_of, const std::vector<ScoreKey>& keys, const StoredCell& student,
               const StoredCell& teacher) {
  CellGap gap{student.forwards ? student.forwards->mean : 0, 0, {}};
  if (!student.forwards || (student.digest.tripped && !student.digest.tripped->empty())) return gap;
  for (const ScoreKey& key : keys) {
    const auto difference = ScoreDifferences(store_of, key).between(student, teacher);
    if (!difference || !std::isfinite(difference->standard_error) || difference->units < 2)
      return {gap.forwards, 0, {}};
    const double baseline = find_score(teacher, key)->score.value;
    gap.metrics.push_back({key.metric.higher_is_better ? -difference->value : difference->value,
                           difference->standard_error, static_cast<double>(difference->units - 1),
                           default_margin(key.metric.name).of(baseline)});
    gap.prompts = student.expected_images / std::max(1, student.images_per_prompt);
  }
  return gap.prompts < kLeastPrompts ? CellGap{gap.forwards, gap.prompts, {}} : gap;
}

// What is shown of a pair, and what is not.
std::string claim_text(const StudentPair& pair) {
  if (pair.not_worse)
    return pair.student_text + " is not worse than " + pair.teacher_text + " by more than the margins";
  std::string text =
      pair.student->key.checkpoint_name + ": no step count is shown to be as good as " + pair.teacher_text;
  if (pair.prompts < kLeastPrompts)
    text += fmt::format("; {} prompts are too few, {} are the least", pair.prompts, kLeastPrompts);
  else if (pair.prompts_needed)
    text += fmt::format("; about {} prompts would settle it if the differences stayed",
                        grouped(static_cast<std::int64_t>(*pair.prompts_needed)));
  else
    text += "; a metric is beyond its margin at each";
  return text + ". Its best, " + pair.student_text;
}

std::string difference_text(double value, double error) {
  return fmt::format("{}{:.2f} ± {:.2f}", std::round(100 * value) < 0 ? "−" : "+", std::abs(value), error);
}

std::string speed_text(const StoredCell& student, const StoredCell& teacher) {
  if (student.timings.empty() || teacher.timings.empty()) return "";
  const BatchTiming &ours = student.timings.front(), &theirs = teacher.timings.front();
  if (!ours.total || !theirs.total || ours.batch != theirs.batch || ours.total->median <= 0 ||
      theirs.total->median <= 0)
    return "";
  const double ratio = theirs.total->median / ours.total->median;
  const std::string times =
      ratio >= 1 ? fmt::format("{:.1f} times faster", ratio) : fmt::format("{:.1f} times slower", 1 / ratio);
  return ", " + times + (ours.unstable() || theirs.unstable() ? " (unstable timing)" : "");
}

// Checkpoints of the table, students or teachers, in its order.
std::vector<std::string> names_of(const StoredTable& table, bool teachers) {
  std::vector<std::string> names;
  for (const StoredCell& cell : table.cells) {
    const std::string& name = cell.key.checkpoint_name;
    if (is_teacher(cell) == teachers && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  return names;
}

std::string teacher_of(const StoredCell& student, const std::vector<std::string>& teachers,
                       const std::vector<TrainingRecord>& trainings) {
  for (const TrainingRecord& record : trainings) {
    if (record.checkpoint_sha256 != student.key.checkpoint_sha256) continue;
    const std::string named = trained_for(record).teacher;
    if (std::find(teachers.begin(), teachers.end(), named) != teachers.end()) return named;
  }
  return teachers.front();
}

}  // namespace

std::vector<StudentPair> student_pairs(const StoreOf& store_of, const StoredTable& table,
                                       const std::vector<TrainingRecord>& trainings) {
  const auto keys = score_keys(table.cells);
  const auto teachers = names_of(table, true);
  std::vector<StudentPair> pairs;
  if (keys.empty() || teachers.empty()) return pairs;
  const auto distance =
      std::find_if(keys.begin(), keys.end(), [](const ScoreKey& key) { return !key.metric.higher_is_better; });
  const ScoreKey& judge = distance == keys.end() ? keys.front() : *distance;
  const CellLines lines = lines_by_steps(table.cells);
  for (const std::string& name : names_of(table, false)) {
    const auto places = places_of(lines, judge, name);
    if (places.empty()) continue;
    const auto of_teacher = places_of(lines, judge, teacher_of(*places.front().cell, teachers, trainings));
    const Place* teacher = best_of(of_teacher, judge);
    if (!teacher) continue;
    std::vector<CellGap> gaps;
    for (const Place& place : places) gaps.push_back(gap_of(store_of, keys, *place.cell, *teacher->cell));
    const NotWorse choice = choose_not_worse(gaps, kAlpha);
    const Place& student = choice.cell ? places[*choice.cell] : *best_of(places, judge);
    const std::int64_t prompts = student.cell->expected_images / std::max(1, student.cell->images_per_prompt);
    pairs.push_back({student.cell, teacher->cell, student.text, teacher->text, choice.cell.has_value(),
                     prompts < kLeastPrompts ? std::nullopt : choice.prompts_needed, prompts});
  }
  return pairs;
}

std::string margins_text(const std::vector<StoredCell>& cells) {
  std::string text;
  for (const ScoreKey& key : score_keys(cells)) {
    const std::string one = margin_text(default_margin(key.metric.name), metric_title(key.metric.name));
    if (text.find(one) == std::string::npos) text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

std::string headline_rule(const std::vector<StoredCell>& cells) {
  return fmt::format(
      "A student is called not worse where every metric is worse than the teacher's best cell by less than its margin "
      "({}): upper bounds of paired differences, at a family-wise error of {:.0f} % over all step counts and metrics.",
      margins_text(cells), 100 * kAlpha);
}

std::vector<std::string> make_headlines(const StoreOf& store_of, const StoredTable& table,
                                        const std::vector<StudentPair>& pairs) {
  const auto keys = score_keys(table.cells);
  std::vector<std::string> headlines;
  for (const StudentPair& pair : pairs) {
    std::string differences;
    for (const ScoreKey& key : keys) {
      const auto difference = ScoreDifferences(store_of, key).between(*pair.student, *pair.teacher);
      if (!difference || !std::isfinite(difference->standard_error)) continue;
      differences += (differences.empty() ? "" : ", ") + ("Δ" + metric_title(key.metric.name)) + " " +
                     difference_text(difference->value, difference->standard_error);
    }
    if (differences.empty()) continue;
    headlines.push_back(claim_text(pair) + ": " + differences + speed_text(*pair.student, *pair.teacher));
  }
  return headlines;
}

}  // namespace fewstep
