#pragma once
#include "core/checkpoint_ref.h"
#include "harness/generate/generate.h"
#include "settings/cells.h"
#include "settings/requests.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

struct PlannedCell {
  Cell cell;                  // its key is whole
  CheckpointInfo checkpoint;  // with its hash
  ImageSize size;
  int batch = 1;  // images at a time
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
  Shard shard;  // the part of the batches that is made here

  std::int64_t images_per_cell() const { return static_cast<std::int64_t>(texts.size()) * images_per_prompt; }
};

// The hash of a checkpoint; empty where it is not known. A dry run takes what the store knows of it.
using KnownHash = std::function<std::string(const CheckpointRef& checkpoint)>;
// Asks for the hash of every checkpoint, once each; without hash_of it is computed. Throws Error for what cannot be
// read.
Plan make_plan(const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts, const Compute& compute,
               const KnownHash& hash_of = {});

// The batches of a cell in which an image is missing from finished. A batch is a fixed group of the plan, from one
// multiple of batch to the next, and made whole: rounding follows its shape, so that a run that goes on makes the same
// bits as one that was not interrupted.
// Of a shard its own ones alone.
std::vector<std::vector<ImageKey>> missing_batches(const Plan& plan,
                                                   std::span<const std::pair<std::int64_t, int>> finished, int batch);

// The first so many captions, from the beginning again where there are fewer: for a batch that is only timed.
std::vector<std::string> first_texts(const Plan& plan, int count);

std::int64_t count_images(const std::vector<std::vector<ImageKey>>& batches);

}  // namespace fewstep
