#include "harness/host_threads.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <omp.h>

#include <algorithm>
#include <thread>

namespace fewstep {

void on_host_thread(const std::function<void()>& body) {
  const c10::InferenceMode inference;
  at::get_num_threads();   // sets the thread's own count, once
  omp_set_num_threads(1);  // at::set_num_threads would count for every thread
  body();
}

int host_threads(at::Device device) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return device.is_cpu() ? std::max(1, cores / 4) : std::clamp(cores - 2, 1, 16);
}

}  // namespace fewstep
