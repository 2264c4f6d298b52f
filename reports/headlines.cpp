#include "reports/headlines.h"

#include "core/checkpoint_kind.h"
#include "reports/bold.h"
#include "reports/figures.h"
#include "reports/scores.h"
#include "store/trained_for.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace fewstep {
namespace {

struct Place {
  const StoredCell* cell = nullptr;
  std::string text;  // "lcm · 8 steps"
};

bool is_teacher(const StoredCell& cell) { return cell.series.checkpoint_kind == name_of(CheckpointKind::kTeacher); }

// The cells of a checkpoint that have a score over all of their images.
std::vector<Place> places_of(const CellLines& lines, const ScoreKey& key, const std::string& checkpoint) {
  std::vector<Place> places;
  for (const CellLine& line : lines.lines) {
    for (std::size_t column = 0; column < line.cells.size(); ++column) {
      const StoredCell* cell = line.cells[column];
      if (!cell || cell->series.checkpoint_name != checkpoint) continue;
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

// See make_headlines.
const Place* student_place(const std::vector<Place>& places, const Place& teacher, const ScoreKey& key,
                           ScoreDifferences& differences) {
  const Place* chosen = nullptr;
  for (const Place& place : places) {
    const auto difference = differences.between(*place.cell, *teacher.cell);
    if (!difference || !place.cell->forwards) continue;
    const double worse = key.metric.higher_is_better ? -difference->value : difference->value;
    if (worse > 2 * difference->standard_error) continue;
    if (!chosen || place.cell->forwards->mean < chosen->cell->forwards->mean) chosen = &place;
  }
  return chosen ? chosen : best_of(places, key);
}

std::string difference_text(double value, double error) {
  return fmt::format("{}{:.2f} ± {:.2f}", value < 0 ? "−" : "+", std::abs(value), error);
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
    const std::string& name = cell.series.checkpoint_name;
    if (is_teacher(cell) == teachers && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  return names;
}

std::string teacher_of(const StoredCell& student, const std::vector<std::string>& teachers,
                       const std::vector<TrainingRecord>& trainings) {
  for (const TrainingRecord& record : trainings) {
    if (record.checkpoint_sha256 != student.series.checkpoint_sha256) continue;
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
    ScoreDifferences by_judge(store_of, judge);
    const Place* student = student_place(places, *teacher, judge, by_judge);
    pairs.push_back({student->cell, teacher->cell, student->text, teacher->text});
  }
  return pairs;
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
    headlines.push_back(pair.student_text + " against " + pair.teacher_text + ": " + differences +
                        speed_text(*pair.student, *pair.teacher));
  }
  return headlines;
}

}  // namespace fewstep
