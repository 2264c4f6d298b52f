#pragma once
#include "store/read.h"

#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What can be told apart along the rows and columns of a table, by name: an axis of cells (core/cell_key.h), the store
// that a cell is of, or the metric.
using Axis = std::string_view;

// "checkpoint,sampler"; empty text gives none. Throws Error (kUsage) with the nearest known name.
std::vector<Axis> parse_axes(std::string_view option, std::string_view text);

// Takes "metric" from the columns, where it may stand first: whether the columns are those of each metric. Throws Error
// (kUsage) where it stands elsewhere.
bool take_metric_axis(const std::vector<Axis>& rows, std::vector<Axis>& columns);

// Each cell's place. cells[row][column] is null where the experiment has none.
struct Arrangement {
  std::vector<std::string> row_headers;               // one for each axis of the rows
  std::vector<std::vector<std::string>> row_labels;   // [row][axis]
  std::vector<std::vector<std::string>> row_phrases;  // [row][axis], what says it without the header: "4 steps"
  std::vector<std::string> column_headers;            // "4 steps"
  std::vector<std::vector<const StoredCell*>> cells;
};

// rows, columns: empty for the defaults, checkpoint × sampler × omega by steps. Axes that are not named and without
// which two cells would fall on one place are added to the rows. cells must outlive the result.
// Throws Error (kUsage) for an axis that is named twice.
Arrangement arrange(const std::vector<StoredCell>& cells, std::vector<Axis> rows, std::vector<Axis> columns);

// One label a row, of the axes along which rows differ, of checkpoint and sampler where none do: "teacher · ddim", "lcm
// · ω 7".
std::vector<std::string> method_labels(const Arrangement& arrangement);
// The axes that these leave out, with what all rows have there: "ω 1", "trailing".
std::vector<std::string> constants_of(const Arrangement& arrangement);

}  // namespace fewstep
