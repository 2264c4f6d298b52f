#pragma once
#include "core/tensor.h"

#include <functional>
#include <list>
#include <mutex>
#include <vector>

namespace fewstep {

// Records work and returns what does it again on the same memory; null where it cannot be recorded. What work throws
// comes through. On CUDA: GpuKernels::record.
using Recorder = std::function<std::function<void()>(const std::function<void()>& work)>;

// A network's forwards, one recording for each set of shapes: the thousand launches of a small batch, which take longer
// than what they launch, become one (CUDA graphs). The latest four sets of shapes are kept. Thread-safe.
class Recordings {
 public:
  using Network = std::function<Tensor(const std::vector<Tensor>& inputs)>;
  // network(inputs), which may depend on nothing but inputs and what stays where it is in memory. An input that is the
  // same tensor as last time is taken to hold what it held. Once a recording fails, the network is called as it is.
  Tensor run(const std::vector<Tensor>& inputs, const Network& network, const Recorder& record);

 private:
  struct Recording {
    std::vector<Tensor> given, held;  // as the caller gave them last; the copies that the recording reads
    Tensor answer;
    std::function<void()> replay;
  };
  std::mutex mutex_;
  std::list<Recording> recordings_;
  bool usable_ = true;
};

}  // namespace fewstep
