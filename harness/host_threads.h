#pragma once
#include "core/tensor.h"

#include <functional>

namespace fewstep {

// Runs body on a thread of its own beside the one that feeds the device: without autograd, and tensor operations in it
// on this thread alone, so that they take no cores from the networks than their own.
void on_host_thread(const std::function<void()>& body);

// How many such threads a run takes.
int host_threads(at::Device device);

}  // namespace fewstep
