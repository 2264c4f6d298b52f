#include "reports/figures.h"

#include "reports/axes.h"
#include "reports/document.h"
#include "reports/number_text.h"
#include "reports/printers.h"
#include "reports/published.h"
#include "reports/scores.h"
#include "reports/training_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace fewstep {
namespace {

constexpr std::string_view kSeparator = " · ";

CellLines lines_of(const Arrangement& arrangement) {
  CellLines result{{}, arrangement.column_headers};
  const auto methods = method_labels(arrangement);
  for (std::size_t row = 0; row < arrangement.cells.size(); ++row)
    result.lines.push_back({methods[row], arrangement.cells[row]});
  return result;
}

// A cell's number on an axis; text where it has none, saying why.
struct Measure {
  std::optional<double> value;
  FigurePoint::Range range;
  std::string text;
  bool may_win = true;  // be on the front: not where a time is unstable
};
using MeasureOf = std::function<Measure(const StoredCell&)>;

Measure score_measure(const StoredCell& cell, const ScoreKey& key) {
  if (cell.state != CellState::kComplete) return {{}, {}, state_text(cell)};
  const StoredScore* stored = find_score(cell, key);
  if (!stored) return {{}, {}, "no score"};
  const Score& score = stored->score;
  if (!std::isfinite(score.value)) return {{}, {}, score_text(score)};
  Measure measure{score.value, {}, metric_title(key.metric.name) + " " + score_text(score)};
  if (std::isfinite(score.standard_error))
    measure.range = {score.value - score.standard_error, score.value + score.standard_error};
  return measure;
}

Measure total_ms(const StoredCell& cell, int batch) {
  if (cell.state != CellState::kComplete) return {{}, {}, state_text(cell)};
  for (const BatchTiming& timing : cell.timings) {
    if (timing.batch != batch || !timing.total) continue;
    if (timing.total->median <= 0) return {{}, {}, "no time above 0 ms"};  // which a logarithmic axis cannot show
    const Quantiles& ms = *timing.total;
    return {ms.median, std::pair(ms.p10, ms.p90),
            ms_text(ms.median) + " ms (" + ms_text(ms.p10) + "–" + ms_text(ms.p90) + ")" +
                (timing.unstable() ? ", unstable" : ""),
            !timing.unstable()};
  }
  return {{}, {}, "not timed"};
}

// Adds the cells that both measures know, and says of each line which they do not.
// labels: of the columns, for the points; empty for none.
void add_points(Figure& figure, const CellLines& from, const MeasureOf& x_of, const MeasureOf& y_of,
                const std::vector<std::string>& labels = {}) {
  for (std::size_t row = 0; row < from.lines.size(); ++row) {
    const CellLine& line = from.lines[row];
    FigureLine drawn{line.label, row, {}};
    std::string missing;
    for (std::size_t column = 0; column < line.cells.size(); ++column) {
      if (!line.cells[column]) continue;
      const std::string place = from.columns[column];
      const Measure x = x_of(*line.cells[column]), y = y_of(*line.cells[column]);
      if (!x.value || !y.value) {
        missing += (missing.empty() ? line.label + ": " : ", ") + place + " " + (y.value ? x.text : y.text);
        continue;
      }
      const std::string at = x.text.empty() ? "" : ", " + x.text;
      drawn.points.push_back({*x.value, *y.value, x.range, y.range,
                              line.label + kSeparator.data() + place + ": " + y.text + at, false,
                              labels.empty() ? "" : labels[column], x.may_win && y.may_win});
    }
    if (!drawn.points.empty()) figure.lines.push_back(std::move(drawn));
    if (!missing.empty()) figure.missing.push_back(std::move(missing));
  }
}

// "4" of "4 steps", "7" of "ω 7".
std::vector<std::string> point_labels(const CellLines& lines) {
  std::vector<std::string> labels;
  for (const std::string& column : lines.columns) {
    const auto digit = column.find_first_of("-0123456789");
    labels.push_back(digit == std::string::npos ? column : column.substr(digit, column.find(' ', digit) - digit));
  }
  return labels;
}

void add(std::vector<Figure>& figures, Figure figure) {
  if (!figure.lines.empty()) figures.push_back(std::move(figure));
}

// A metric that spans more than a decade is told apart on a logarithmic axis alone.
void choose_scale(Figure& figure, FigureAxis& axis, double FigurePoint::*value) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const FigureLine& line : figure.lines) {
    for (const FigurePoint& point : line.points) {
      low = std::min(low, point.*value);
      high = std::max(high, point.*value);
    }
  }
  axis.logarithmic = low > 0 && high > 10 * low;
}

Figure score_against_steps(const CellLines& lines, const ScoreKey& key, const std::string& title) {
  Figure figure;
  figure.title = title + " against steps";
  figure.x = {"steps", true, {}};
  figure.y = {title, false, {}};
  add_points(
      figure, lines,
      [](const StoredCell& cell) {
        return Measure{std::max(1, cell.key.steps), {}, ""};
      },
      [&](const StoredCell& cell) { return score_measure(cell, key); });
  std::set<double> steps;
  for (const FigureLine& line : figure.lines)
    for (const FigurePoint& point : line.points) steps.insert(point.x);
  figure.x.ticks.assign(steps.begin(), steps.end());
  choose_scale(figure, figure.y, &FigurePoint::y);
  return figure;
}

Figure score_against_ms(const CellLines& lines, const ScoreKey& key, const std::string& title, int batch,
                        bool comparable) {
  Figure figure;
  figure.title = title + " against time";
  figure.x = {fmt::format("milliseconds per image, median, batch {} ↓", batch), true, {}};
  figure.y = {title, false, {}};
  add_points(
      figure, lines, [&](const StoredCell& cell) { return total_ms(cell, batch); },
      [&](const StoredCell& cell) { return score_measure(cell, key); }, point_labels(lines));
  std::vector<std::pair<double, double>> points;
  for (const FigureLine& line : figure.lines)
    for (const FigurePoint& point : line.points)
      if (point.may_win) points.emplace_back(point.x, point.y);
  if (comparable) figure.front = pareto_front(points, key.metric.higher_is_better);
  choose_scale(figure, figure.y, &FigurePoint::y);
  return figure;
}

// One line per checkpoint × sampler × steps; ω moves along it.
Figure score_against_score(const std::vector<StoredCell>& cells, const ScoreKey& fid, const ScoreKey& clip,
                           const std::vector<ScoreKey>& keys) {
  CellLines lines = lines_of(arrange(cells, {"checkpoint", "sampler", "steps"}, {"omega"}));
  constexpr std::string_view kOmega = "omega ";
  for (std::string& column : lines.columns)
    if (column.starts_with(kOmega)) column = "ω\u00a0" + column.substr(kOmega.size());
  Figure figure;
  figure.title = fmt::format("{} against {} over ω", metric_title(clip.metric.name), metric_title(fid.metric.name));
  figure.x = {score_title(fid, keys), false, {}};
  figure.y = {score_title(clip, keys), false, {}};
  add_points(
      figure, lines, [&](const StoredCell& cell) { return score_measure(cell, fid); },
      [&](const StoredCell& cell) { return score_measure(cell, clip); }, point_labels(lines));
  choose_scale(figure, figure.x, &FigurePoint::x);
  return figure;
}

const StoredCheckpoint* checkpoint_of(const StoredTable& table, const StoredCell& cell) {
  const auto found =
      std::find_if(table.checkpoints.begin(), table.checkpoints.end(), [&](const StoredCheckpoint& checkpoint) {
        return checkpoint.name == cell.key.checkpoint_name && checkpoint.sha256 == cell.key.checkpoint_sha256;
      });
  return found == table.checkpoints.end() ? nullptr : &*found;
}

// One line per training × sampler × ω × grid × steps; iterations move along it.
Figure score_against_iterations(const StoredTable& table, const ScoreKey& key, const std::string& title) {
  std::map<std::int64_t, std::vector<StoredCell>> by_iterations;
  for (const StoredCell& cell : table.cells) {
    const StoredCheckpoint* checkpoint = checkpoint_of(table, cell);
    const auto kept = checkpoint ? kept_at(*checkpoint) : std::nullopt;
    if (!kept) continue;
    by_iterations[kept->iterations].push_back(cell);
    by_iterations[kept->iterations].back().key.checkpoint_name = kept->training;
  }
  Figure figure;
  figure.title = title + " against training iterations";
  figure.x = {"training iterations", false, {}};
  figure.y = {title, false, {}};
  for (const auto& [iterations, cells] : by_iterations) {
    const CellLines from =
        lines_of(arrange(cells, {"checkpoint", "sampler", "omega", "original_inference_steps"}, {"steps"}));
    for (const CellLine& line : from.lines) {
      for (std::size_t column = 0; column < line.cells.size(); ++column) {
        if (!line.cells[column]) continue;
        const Measure y = score_measure(*line.cells[column], key);
        const std::string label =
            from.columns.size() > 1 ? line.label + std::string(kSeparator) + from.columns[column] : line.label;
        if (!y.value) {
          figure.missing.push_back(fmt::format("{}, {} iterations: {}", label, iterations, y.text));
          continue;
        }
        auto found = std::find_if(figure.lines.begin(), figure.lines.end(),
                                  [&](const FigureLine& drawn) { return drawn.label == label; });
        if (found == figure.lines.end()) found = figure.lines.insert(found, {label, figure.lines.size(), {}});
        found->points.push_back({static_cast<double>(iterations),
                                 *y.value,
                                 {},
                                 y.range,
                                 fmt::format("{}, {} iterations: {}", label, iterations, y.text)});
      }
    }
  }
  choose_scale(figure, figure.y, &FigurePoint::y);
  return figure;
}

// The first in the order of the catalog; null where there is none.
const ScoreKey* first_of(const std::vector<ScoreKey>& keys, bool mean_of_images) {
  for (const MetricInfo& metric : kMetrics) {
    if (metric.is_mean_of_images != mean_of_images) continue;
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const ScoreKey& key) { return key.metric.name == metric.name; });
    if (found != keys.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

CellLines lines_by_steps(const std::vector<StoredCell>& cells) { return lines_of(arrange(cells, {}, {"steps"})); }

std::vector<std::pair<double, double>> pareto_front(std::vector<std::pair<double, double>> points,
                                                    bool higher_is_better) {
  const auto better = [&](double a, double b) { return higher_is_better ? a > b : a < b; };
  std::sort(points.begin(), points.end(), [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : better(a.second, b.second);
  });
  std::vector<std::pair<double, double>> front;
  for (const auto& point : points)
    if (front.empty() || better(point.second, front.back().second)) front.push_back(point);
  return front;
}

std::vector<Figure> make_figures(const StoredTable& table, const std::vector<TrainingRecord>& trainings) {
  const CellLines lines = lines_by_steps(table.cells);
  const auto keys = score_keys(table.cells);
  std::set<int> batches;
  std::set<double> omegas;
  for (const StoredCell& cell : table.cells) {
    omegas.insert(cell.key.omega);
    for (const BatchTiming& timing : cell.timings) batches.insert(timing.batch);
  }
  // The figures over iterations say all of checkpoints along their training at one step count.
  const bool only_training =
      lines.columns.size() == 1 && std::all_of(table.cells.begin(), table.cells.end(), [&](auto& cell) {
        const StoredCheckpoint* checkpoint = checkpoint_of(table, cell);
        return checkpoint && kept_at(*checkpoint);
      });
  std::vector<Figure> figures;
  if (!only_training)
    for (const ScoreKey& key : keys) add(figures, score_against_steps(lines, key, score_title(key, keys)));
  for (const ScoreKey& key : keys)
    for (const int batch : batches)
      add(figures, score_against_ms(lines, key, score_title(key, keys), batch, at_equal_n(table.cells, key)));
  const ScoreKey *distance = first_of(keys, false), *mean = first_of(keys, true);
  if (distance && mean && omegas.size() > 1) add(figures, score_against_score(table.cells, *distance, *mean, keys));
  for (const ScoreKey& key : keys) add(figures, score_against_iterations(table, key, score_title(key, keys)));
  if (auto losses = loss_figure(trainings, table.checkpoints)) add(figures, std::move(*losses));
  return figures;
}

std::vector<Figure> figures_of(const ReportInput& input) {
  auto figures = make_figures(input.table, trainings_of(input.arms));
  if (!input.published || input.published->axis != "steps") return figures;
  const auto keys = score_keys(input.table.cells);
  for (Figure& figure : figures)
    for (const ScoreKey& key : keys)
      if (figure.x.title == "steps" && figure.y.title == score_title(key, keys))
        add_published(figure, *input.published, key.metric.name);
  return figures;
}

}  // namespace fewstep
