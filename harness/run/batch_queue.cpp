#include "harness/run/batch_queue.h"

#include "process/environment.h"
#include "process/host_threads.h"
#include "process/interrupt.h"

#include <algorithm>
#include <span>
#include <utility>

namespace fewstep {
namespace {

CheckpointWork order_of(const RunContext& run, const CheckpointRef& checkpoint, const std::vector<std::size_t>& cells,
                        bool share) {
  CheckpointWork work{checkpoint, cells, {}, false};
  for (const std::size_t cell : cells) {
    for (const auto& keys : run.work[cell].batches) {
      work.batches.push_back({.cell = cell, .keys = keys});
      work.makes_images = true;
    }
    if (run.work[cell].batches.empty()) work.batches.push_back({.cell = cell});
  }
  const auto first_image = [](const BatchWork& batch) {
    return batch.keys.empty() ? std::pair<std::size_t, int>() : std::pair(batch.keys[0].prompt, batch.keys[0].image);
  };
  if (share)
    std::stable_sort(work.batches.begin(), work.batches.end(),
                     [&](const BatchWork& a, const BatchWork& b) { return first_image(a) < first_image(b); });
  std::vector<bool> seen(run.work.size());
  for (auto batch = work.batches.rbegin(); batch != work.batches.rend(); ++batch) {
    batch->last = !seen[batch->cell];
    seen[batch->cell] = true;
  }
  return work;
}

std::vector<CheckpointWork> orders_of(const RunContext& run, bool share) {
  std::vector<CheckpointRef> checkpoints;
  for (const PlannedCell& planned : run.plan.cells)
    if (std::find(checkpoints.begin(), checkpoints.end(), planned.cell.checkpoint) == checkpoints.end())
      checkpoints.push_back(planned.cell.checkpoint);
  std::vector<CheckpointWork> orders;
  for (const CheckpointRef& checkpoint : checkpoints) {
    std::vector<std::size_t> cells;
    for (std::size_t i = 0; i < run.plan.cells.size(); ++i)
      if (run.plan.cells[i].cell.checkpoint == checkpoint) cells.push_back(i);
    orders.push_back(order_of(run, checkpoint, cells, share));
  }
  return orders;
}

}  // namespace

BatchQueue::BatchQueue(const RunContext& run, BatchMaker& maker, bool share, std::function<bool(std::size_t)> is_failed)
    : run_(run), maker_(maker), orders_(orders_of(run, share)), is_failed_(std::move(is_failed)) {}

std::unique_ptr<BatchWork> BatchQueue::next() {
  for (; order_ < orders_.size(); ++order_, batch_ = 0) {
    CheckpointWork& order = orders_[order_];
    if (batch_ == 0) error_ = begin(order);
    while (batch_ < order.batches.size()) {
      if (interrupted()) return nullptr;
      if (order.batches.size() - batch_ == order.cells.size()) load_ahead();
      auto work = std::make_unique<BatchWork>(std::move(order.batches[batch_++]));
      if (is_failed_(work->cell)) continue;
      work->error = error_;
      return work;
    }
  }
  return nullptr;
}

BatchQueue::Loaded BatchQueue::load(const CheckpointRef& checkpoint) const {
  return std::make_shared<Checkpoint>(load_checkpoint(checkpoint, run_.compute, false));
}

// What fails every cell of the checkpoint.
std::exception_ptr BatchQueue::begin(const CheckpointWork& order) {
  if (!order.makes_images || interrupted()) return nullptr;
  try {
    maker_.begin_checkpoint(ahead_.valid() ? ahead_.get() : load(order.checkpoint));
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

// The next checkpoint is read while the last batches of this one are made and stored, where memory holds both.
void BatchQueue::load_ahead() {
  const bool is_last = order_ + 1 >= orders_.size() || !orders_[order_ + 1].makes_images;
  if (ahead_.valid() || is_last) return;
  const CheckpointRef& checkpoint = orders_[order_ + 1].checkpoint;
  try {
    if (bytes_in_memory(checkpoint) > static_cast<double>(free_memory(run_.compute.device))) return;
  } catch (const std::exception&) {
    return;  // begin says what is wrong with it
  }
  ahead_ = std::async(std::launch::async, [this, checkpoint] {
    Loaded loaded;
    on_host_thread([&] { loaded = load(checkpoint); });
    return loaded;
  });
}

}  // namespace fewstep
