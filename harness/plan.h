#pragma once
#include "harness/generate.h"
#include "settings/cells.h"
#include "store/store.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// A cell with all that decides its images.
struct PlannedCell {
  Cell cell;
  CheckpointInfo checkpoint;  // with its hash
  ImageSize size;
  SeriesKey series;
};

// One image of a cell: prompt is an index into Plan::prompts, image its number for that prompt.
struct ImageKey {
  std::size_t prompt = 0;
  int image = 0;
  bool operator==(const ImageKey&) const = default;
};

struct Plan {
  PromptSet prompts;
  std::vector<std::string> texts;  // of prompts
  std::vector<std::int64_t> rows;  // of prompts
  int images_per_prompt = 1;
  std::vector<PlannedCell> cells;

  std::int64_t images_per_cell() const { return static_cast<std::int64_t>(texts.size()) * images_per_prompt; }
};

// Reads the captions and hashes every checkpoint, once each. Throws Error for what cannot be read.
Plan make_plan(const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts, const Compute& compute);

// The images of a cell that are not in finished, in batches. Batches begin at multiples of batch within the cell, so
// that an interrupted run makes the same batches as one that was not.
std::vector<std::vector<ImageKey>> missing_batches(const Plan& plan,
                                                   std::span<const std::pair<std::int64_t, int>> finished, int batch);

std::int64_t count_images(const std::vector<std::vector<ImageKey>>& batches);

}  // namespace fewstep
