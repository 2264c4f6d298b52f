#include "models/recordings.h"

#include <algorithm>
#include <utility>

namespace fewstep {
namespace {

constexpr std::size_t kKept = 4;

bool same_layout(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.device() == b.device() && a.sizes() == b.sizes() &&
         a.strides() == b.strides();
}

}  // namespace

Tensor Recordings::run(const std::vector<Tensor>& inputs, const Network& network, const Recorder& record) {
  const std::lock_guard lock(mutex_);
  if (!usable_) return network(inputs);
  const auto known = std::find_if(recordings_.begin(), recordings_.end(), [&](const Recording& recording) {
    return std::equal(inputs.begin(), inputs.end(), recording.held.begin(), recording.held.end(), same_layout);
  });
  if (known != recordings_.end()) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!known->given[i].is_same(inputs[i])) known->held[i].copy_(inputs[i]);
    }
    known->given = inputs;
    recordings_.splice(recordings_.begin(), recordings_, known);
  } else {
    Recording& made = recordings_.emplace_front();
    for (const Tensor& input : inputs) made.held.push_back(input.clone());
    try {
      made.replay = record([&] { made.answer = network(made.held); });
    } catch (...) {
      recordings_.pop_front();
      throw;
    }
    if (!made.replay) {
      usable_ = false;
      recordings_.clear();
      return network(inputs);
    }
    made.given = inputs;
    if (recordings_.size() > kKept) recordings_.pop_back();
  }
  recordings_.front().replay();
  return recordings_.front().answer.clone();
}

}  // namespace fewstep
