#pragma once
#include "reports/arm.h"
#include "reports/axes.h"
#include "store/read.h"

#include <span>

namespace fewstep {

struct Published;

// What a printer may use.
struct ReportInput {
  std::span<const Arm> arms;  // at least one
  const StoredTable& table;   // of all (side_by_side)
  const Arrangement& arrangement;
  bool colour = false;   // of a table on a terminal
  bool full = false;     // with its whole provenance
  int columns = 0;       // of the terminal; 0: a pipe or a file
  int grid_prompts = 8;  // of a page's image grid
  const Published* published = nullptr;
  int figure = 1;                      // of a picture
  bool by_metric = false;              // one table, whose columns are those of each metric: `--columns metric,steps`
  bool forwards = true, times = true;  // whether tables of them are wanted
};

}  // namespace fewstep
