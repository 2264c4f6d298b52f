#include "process/host_threads.h"

#include "core/process_limits.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <omp.h>

#include <algorithm>
#include <cstdlib>

namespace fewstep {

void on_host_thread(const std::function<void()>& body) {
  const c10::InferenceMode inference;
  at::get_num_threads();   // sets the thread's own count, once
  omp_set_num_threads(1);  // at::set_num_threads would count for every thread
  body();
}

void use_cpus_of_process() {
  const char* given = std::getenv("OMP_NUM_THREADS");
  if (given && *given) return;
  const int cpus = cpu_limits().cpus();
  if (cpus < at::get_num_threads()) at::set_num_threads(cpus);
}

int host_threads(at::Device device) {
  const int cores = cpu_limits().cpus();
  return device.is_cpu() ? std::max(1, cores / 4) : std::clamp(cores - 2, 1, 16);
}

}  // namespace fewstep
