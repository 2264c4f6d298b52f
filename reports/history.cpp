#include "reports/history.h"

#include "core/error.h"
#include "core/names.h"
#include "metrics/student.h"
#include "reports/number_text.h"
#include "reports/scores.h"
#include "store/influence.h"
#include "store/trained_for.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

namespace fewstep {
namespace {

constexpr double kAlpha = 0.05;
constexpr double kManyUnits = 1e6;  // degrees of freedom: as the normal distribution

// One checkpoint's cell of a line.
struct HistoryPoint {
  std::size_t store = 0;
  double order = 0;  // within the store
  std::int64_t run = 0;
  std::string checkpoint, sha256;
  StoredCell cell;
  StoredScore score;
};

struct Line {
  std::string label;
  std::vector<HistoryPoint> points;
};

// What a line is of: all axes of its cells but their checkpoints.
CellKey line_of(const CellKey& key) { return part_of(key, kIdentity | kClause); }

// The last run of digits of a name: 300 of "step-300".
std::optional<double> last_number(const std::string& name) {
  std::size_t end = name.size();
  while (end > 0 && !std::isdigit(static_cast<unsigned char>(name[end - 1]))) --end;
  std::size_t begin = end;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(name[begin - 1]))) --begin;
  if (begin == end || end - begin > 15) return {};
  return std::stod(name.substr(begin, end - begin));
}

bool is_metric(const StoredScore& score, const std::string& metric) {
  return score.metric.name == metric || score.metric.name + ":" + score.metric.protocol == metric;
}

class History {
 public:
  History(const std::vector<std::filesystem::path>& stores, const std::string& metric) : metric_(metric) {
    for (std::size_t i = 0; i < stores.size(); ++i) read_store(i, stores[i]);
    if (lines_.empty()) throw usage_error("--history", unknown_name(metric, std::span<const std::string>(names())));
    name_lines();
    for (auto& [key, line] : lines_) sort(line);
  }

  View view() {
    const StoredScore& any = lines_.begin()->second.points.front().score;
    const std::string title = protocol_title(any.metric) + (any.metric.higher_is_better ? " ↑" : " ↓");
    View view;
    Document& document = view.document;
    document.title = protocol_title(any.metric) + " over checkpoints";
    document.row_headers = {"checkpoint"};
    document.column_headers = {"value", "95 % interval", "since the last change", "change"};
    Figure figure;
    figure.title = document.title;
    figure.x = {"checkpoint", false, {}, {}};
    figure.y = {title, false, {}, {}};
    name_axis(figure.x);
    for (auto& [key, line] : lines_) add_line(document, figure, line);
    document.notes.push_back(
        "a change point: the difference from the checkpoint where the last change was is beyond the "
        "noise (paired over prompts, Bonferroni over the line's points at 0.05)");
    if (spread_)
      document.notes.push_back(
          "references, prompts or networks differ along the line; such differences are not judged");
    view.figures.push_back(std::move(figure));
    return view;
  }

 private:
  std::vector<std::string> names() const { return {known_.begin(), known_.end()}; }

  void read_store(std::size_t index, const std::filesystem::path& path) {
    stores_.push_back(std::make_unique<Store>(Store::open(path, Store::Mode::kRead)));
    stems_.push_back(path.stem().string());
    Store& store = *stores_.back();
    std::map<std::string, double> steps;
    for (const TrainingRecord& record : read_trainings(store))
      if (const auto iterations = trained_for(record).iterations)
        steps[record.checkpoint_sha256] = static_cast<double>(*iterations);
    std::map<std::tuple<CellKey, std::string>, std::size_t> seen;  // the place of these weights in their line
    const auto runs = read_runs(store);
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
      for (StoredCell& cell : read_table(store, run->id).cells) {
        if (cell.run_id != run->id) continue;
        for (const StoredScore& score : cell.scores) known_.insert(score.metric.name);
        const auto score = std::find_if(cell.scores.begin(), cell.scores.end(),
                                        [&](const StoredScore& one) { return is_metric(one, metric_); });
        if (score == cell.scores.end() || cell.state != CellState::kComplete || !std::isfinite(score->score.value))
          continue;
        const CellKey& series = cell.key;
        const CellKey key = line_of(series);
        const auto step = steps.find(series.checkpoint_sha256);
        const auto number = step == steps.end() ? last_number(series.checkpoint_name) : std::optional(step->second);
        Line& line = lines_[key];
        const auto [known, fresh] = seen.emplace(std::tuple(key, series.checkpoint_sha256), line.points.size());
        if (!fresh) {  // an earlier run: its name stays, where a later one called the same weights "latest"
          HistoryPoint& point = line.points[known->second];
          point.checkpoint = series.checkpoint_name;
          point.order = number.value_or(static_cast<double>(run->id));
          continue;
        }
        HistoryPoint point{index,
                           number.value_or(static_cast<double>(run->id)),
                           run->id,
                           series.checkpoint_name,
                           series.checkpoint_sha256,
                           cell,
                           *score};
        line.points.push_back(std::move(point));
      }
    }
  }

  // By sampler, step count and ω; by what else tells cells apart where a checkpoint has several of these.
  void name_lines() {
    std::map<std::string, std::vector<CellKey>> keys;
    for (const auto& [key, line] : lines_)
      keys[fmt::format("{} · {} step{} · ω {:.6g}", key.sampler, key.steps, key.steps == 1 ? "" : "s", key.omega)]
          .push_back(key);
    for (const auto& [label, alike] : keys) {
      std::set<std::pair<std::size_t, std::string>> checkpoints;
      std::size_t points = 0;
      for (const CellKey& key : alike)
        for (const HistoryPoint& point : lines_.at(key).points) {
          checkpoints.emplace(point.store, point.sha256);
          ++points;
        }
      const auto axes = differing_axes(alike, kFine);
      for (const CellKey& key : alike) {
        Line& line = lines_.at(key);
        line.label = label;
        if (checkpoints.size() < points) {
          for (const CellAxis* axis : axes) line.label += " · " + phrase(*axis, key);
        } else if (key != alike.front()) {
          auto& first = lines_.at(alike.front()).points;
          first.insert(first.end(), line.points.begin(), line.points.end());
          lines_.erase(key);
        }
      }
    }
  }

  static void sort(Line& line) {
    std::stable_sort(line.points.begin(), line.points.end(), [](const HistoryPoint& a, const HistoryPoint& b) {
      return std::tie(a.store, a.order, a.run) < std::tie(b.store, b.order, b.run);
    });
  }

  std::string name_of(const HistoryPoint& point) const {
    return stores_.size() > 1 ? stems_[point.store] + " · " + point.checkpoint : point.checkpoint;
  }

  // The longest line's checkpoints, where all lines have these alone.
  void name_axis(FigureAxis& axis) const {
    const Line* longest = nullptr;
    for (const auto& [key, line] : lines_)
      if (!longest || line.points.size() > longest->points.size()) longest = &line;
    for (const auto& [key, line] : lines_)
      for (std::size_t i = 0; i < line.points.size(); ++i)
        if (name_of(line.points[i]) != name_of(longest->points[i])) return;
    for (std::size_t i = 0; i < longest->points.size(); ++i) {
      axis.ticks.push_back(static_cast<double>(i + 1));
      axis.labels.push_back(name_of(longest->points[i]));
    }
  }

  // b − a; nothing where they cannot be compared.
  std::optional<Difference> difference(const HistoryPoint& a, const HistoryPoint& b) {
    const bool alike = a.score.metric.model_hash == b.score.metric.model_hash &&
                       a.score.metric.version == b.score.metric.version &&
                       a.score.metric.protocol == b.score.metric.protocol &&
                       a.score.reference_hash == b.score.reference_hash && a.score.score.count == b.score.score.count;
    if (!alike) return {};
    const auto of_a = read_influence(*stores_[a.store], a.cell, a.score);
    const auto of_b = read_influence(*stores_[b.store], b.cell, b.score);
    if (of_a && of_b)
      if (const auto paired = paired_difference(b.score, *of_b, a.score, *of_a)) return paired;
    const double error = std::hypot(a.score.score.standard_error, b.score.score.standard_error);
    if (!std::isfinite(error)) return {};
    return Difference{b.score.score.value - a.score.score.value, error};
  }

  void add_line(Document& document, Figure& figure, Line& line) {
    Section section{line.label, {}, {}};
    FigureLine drawn{line.label, figure.lines.size(), {}};
    const double tests = std::max<double>(1, static_cast<double>(line.points.size()) - 1);
    const double beyond = student_quantile(kAlpha / 2 / tests, kManyUnits),
                 interval = student_quantile(0.025, kManyUnits);
    std::size_t anchor = 0;
    for (std::size_t i = 0; i < line.points.size(); ++i) {
      const HistoryPoint& point = line.points[i];
      const Score& score = point.score.score;
      const bool has_error = std::isfinite(score.standard_error);
      const double half = has_error ? interval * score.standard_error : 0;
      std::string since = "–", change = i == 0 ? "first" : "";
      bool changed = false;
      if (i > 0) {
        const auto found = difference(line.points[anchor], point);
        if (!found) spread_ = true;
        if (found) {
          since = fmt::format("{:+.2f} ± {:.2f}", found->value, found->standard_error);
          changed = std::abs(found->value) > beyond * found->standard_error;
          const bool better = (found->value > 0) == point.score.metric.higher_is_better;
          if (changed) change = better ? "▲ better" : "▼ worse";
        }
      }
      if (changed) anchor = i;
      section.more_labels.push_back({name_of(point)});
      section.entries.push_back(
          {{score_text(score), false, score.value},
           {has_error ? fmt::format("{:.2f} … {:.2f}", score.value - half, score.value + half) : "–", false, {}},
           {since, false, {}},
           {change.empty() ? "–" : change, false, {}}});
      FigurePoint drawn_point{
          static_cast<double>(i + 1),
          score.value,
          {},
          {},
          fmt::format("{}, {}: {}{}", line.label, name_of(point), score_text(score), changed ? ", changed" : "")};
      if (has_error) drawn_point.y_range = {score.value - half, score.value + half};
      drawn_point.marked = changed;
      drawn.points.push_back(std::move(drawn_point));
    }
    document.sections.push_back(std::move(section));
    figure.lines.push_back(std::move(drawn));
  }

  const std::string& metric_;
  std::vector<std::unique_ptr<Store>> stores_;
  std::vector<std::string> stems_;
  std::map<CellKey, Line> lines_;
  std::set<std::string> known_;
  bool spread_ = false;
};

}  // namespace

View history_of(const std::vector<std::filesystem::path>& stores, const std::string& metric) {
  return History(stores, metric).view();
}

}  // namespace fewstep
