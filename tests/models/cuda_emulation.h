#pragma once
// Runs the kernels of models/cuda/kernels.cu on a CPU: include it before them. Blocks run one after the other; a
// block's threads are threads. Shared memory begins as NaN, and has guard bytes behind it.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#undef __shared__
#define __shared__ static      // one block at a time
#define FEWSTEP_MOST_BLOCKS 3  // so that a thread goes on to a second number
#define FEWSTEP_LAUNCH(kernel, grid, threads, shared_bytes, stream)                                               \
  [&](auto... arguments) {                                                                                        \
    static_cast<void>(stream);                                                                                    \
    fewstep::emulated::launch(dim3(grid), static_cast<unsigned>(threads), static_cast<std::size_t>(shared_bytes), \
                              [=] { kernel(arguments...); });                                                     \
  }
#define FEWSTEP_DYNAMIC_SHARED(type, name) \
  type* const name = reinterpret_cast<type*>(fewstep::emulated::running->shared.data())

inline thread_local uint3 threadIdx, blockIdx;
inline thread_local dim3 blockDim, gridDim;

namespace fewstep::emulated {

constexpr unsigned kWarp = 32;
constexpr std::size_t kGuardBytes = 4096;
constexpr unsigned char kGuard = 0xa5, kNan = 0xff;

struct Launch {
  Launch(unsigned threads, std::size_t shared_bytes)
      : all(threads), exchange(threads), shared(shared_bytes + kGuardBytes), bytes(shared_bytes) {
    for (unsigned first = 0; first < threads; first += kWarp)
      warps.push_back(std::make_unique<std::barrier<>>(std::min(kWarp, threads - first)));
    begin_block();
  }
  void begin_block() {
    std::memset(shared.data(), kNan, bytes);
    std::memset(shared.data() + bytes, kGuard, kGuardBytes);
  }
  bool is_overrun() const {
    return std::any_of(shared.begin() + static_cast<std::ptrdiff_t>(bytes), shared.end(),
                       [](unsigned char one) { return one != kGuard; });
  }

  std::barrier<> all;
  std::vector<std::unique_ptr<std::barrier<>>> warps;
  std::vector<float> exchange;
  std::vector<unsigned char> shared;
  std::size_t bytes;
};

inline thread_local Launch* running = nullptr;
inline int overruns = 0;  // blocks that wrote behind their shared memory

template <class Kernel>
void launch(dim3 grid, unsigned threads, std::size_t shared_bytes, const Kernel& kernel) {
  Launch state(threads, shared_bytes);
  const auto run = [&](unsigned thread) {
    running = &state;
    gridDim = grid;
    blockDim = dim3(threads);
    threadIdx = {thread, 0, 0};
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, 0};
        kernel();
        state.all.arrive_and_wait();
        if (thread == 0) {
          overruns += state.is_overrun();
          state.begin_block();
        }
        state.all.arrive_and_wait();
      }
    }
  };
  std::vector<std::jthread> block;
  for (unsigned thread = 0; thread < threads; ++thread) block.emplace_back(run, thread);
}

}  // namespace fewstep::emulated

inline void __syncthreads() { fewstep::emulated::running->all.arrive_and_wait(); }

inline float __shfl_down_sync(unsigned, float value, int offset) {
  auto& state = *fewstep::emulated::running;
  const unsigned at = threadIdx.x, from = at + static_cast<unsigned>(offset);
  auto& warp = *state.warps[at / fewstep::emulated::kWarp];
  state.exchange[at] = value;
  warp.arrive_and_wait();
  const bool inside = from / fewstep::emulated::kWarp == at / fewstep::emulated::kWarp && from < blockDim.x;
  const float got = inside ? state.exchange[from] : value;
  warp.arrive_and_wait();
  return got;
}

inline float __expf(float value) { return std::exp(value); }
inline float rsqrtf(float value) { return 1 / std::sqrt(value); }
