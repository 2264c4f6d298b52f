#pragma once
#include "core/tensor.h"

#include <functional>

namespace fewstep {

// Runs body on a thread of its own beside the one that feeds the device: without autograd, and tensor operations in it
// on this thread alone, so that they take no cores from the networks than their own.
void on_host_thread(const std::function<void()>& body);

// Tensor operations take no more threads than the process has CPUs (core/process_limits.h); OMP_NUM_THREADS wins. Call
// it before the first operation.
void use_cpus_of_process();

// How many such threads a run takes.
int host_threads(at::Device device);

}  // namespace fewstep
