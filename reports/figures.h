#pragma once
#include "reports/figure.h"
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
