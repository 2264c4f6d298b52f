#pragma once
#include "store/read.h"
#include "store/training.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// Cells that differ in their steps alone: one line of a chart, one place of the image grid.
struct CellLine {
  std::string label;                     // what tells it apart from the others: "lcm · ω 7"
  std::vector<const StoredCell*> cells;  // [column]; null where the experiment has none
};
struct CellLines {
  std::vector<CellLine> lines;
  std::vector<std::string> columns;  // "4 steps"
};
// cells must outlive the result.
CellLines lines_by_steps(const std::vector<StoredCell>& cells);

// A chart, as data: the page draws any of these in the same way.
struct FigurePoint {
  double x = 0, y = 0;
  using Range = std::optional<std::pair<double, double>>;
  Range x_range, y_range;  // of its bars: ± one standard error; of times the 10th and 90th percentile
  std::string text;        // what the point says when it is pointed at
  bool marked = false;     // with a ring: a change beyond the noise
  std::string label = {};  // beside it: its number of steps; empty where the axis says it
  bool may_win = true;     // be on the front: its time is stable
};
struct FigureLine {
  std::string label;
  std::size_t number = 0;           // decides its look: the same line looks the same in every figure
  std::vector<FigurePoint> points;  // in the order in which a line joins them
};
struct FigureAxis {
  std::string title;
  bool logarithmic = false;
  std::vector<double> ticks;             // empty: the chart's choice
  std::vector<std::string> labels = {};  // of the ticks, where they are no numbers
};
struct Figure {
  std::string title;
  FigureAxis x, y;
  std::vector<FigureLine> lines;
  std::vector<std::pair<double, double>> front;  // Pareto, by x; empty where there is none
  std::vector<std::string> missing;              // of each line the cells that have no point, and why
};
// Each metric against steps; against milliseconds; CLIP score against FID or FD (pocket) where there is more than one
// ω; each metric against training iterations, and the loss, of checkpoints that fewstep distill made. Raw texts.
std::vector<Figure> make_figures(const StoredTable& table, const std::vector<TrainingRecord>& trainings = {});

struct ReportInput;
// Those of a report, with the published numbers that it shows.
std::vector<Figure> figures_of(const ReportInput& input);

// The points that no other one beats in both: smaller x, and y in its direction. By x, each place once.
std::vector<std::pair<double, double>> pareto_front(std::vector<std::pair<double, double>> points,
                                                    bool higher_is_better);

}  // namespace fewstep
