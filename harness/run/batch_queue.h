#pragma once
#include "core/checkpoint_ref.h"
#include "harness/run/batch_maker.h"

#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace fewstep {

// The cells of one checkpoint, and their batches in the order in which they are made.
struct CheckpointWork {
  CheckpointRef checkpoint;
  std::vector<std::size_t> cells;
  std::vector<BatchWork> batches;
  bool makes_images = false;
};

// What is next, checkpoint after checkpoint. Where cells share, those of one batch follow each other; else the batches
// of one cell do. Of one thread, the one that feeds the device.
class BatchQueue {
 public:
  // Loads into maker what the next batches need. is_failed: cells whose batches are passed over.
  BatchQueue(const RunContext& run, BatchMaker& maker, bool share, std::function<bool(std::size_t cell)> is_failed);

  // Null where there is no more, or a signal came. A checkpoint that cannot be loaded is an error of each of its cells.
  std::unique_ptr<BatchWork> next();

 private:
  using Loaded = std::shared_ptr<const Checkpoint>;

  Loaded load(const CheckpointRef& checkpoint) const;
  std::exception_ptr begin(const CheckpointWork& order);
  void load_ahead();

  const RunContext& run_;
  BatchMaker& maker_;
  std::vector<CheckpointWork> orders_;
  std::function<bool(std::size_t)> is_failed_;
  std::size_t order_ = 0, batch_ = 0;
  std::exception_ptr error_;  // of loading the checkpoint
  std::future<Loaded> ahead_;
};

}  // namespace fewstep
