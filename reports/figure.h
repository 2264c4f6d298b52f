#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

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

}  // namespace fewstep
