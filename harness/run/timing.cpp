#include "harness/run/timing.h"

#include "core/device.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

namespace fewstep {
namespace {

constexpr int kRounds = 5;
constexpr double kAgree = 0.1;  // of the larger of two repetitions

template <typename Work>
double milliseconds(at::Device device, Work&& work) {
  synchronize(device);
  const auto start = std::chrono::steady_clock::now();
  work();
  synchronize(device);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

const std::string& process_id() {
  static const std::string id = [] {
    char text[48];
    std::snprintf(text, sizeof text, "%lld-%d-%08x",
                  static_cast<long long>(std::chrono::system_clock::now().time_since_epoch().count()), ::getpid(),
                  std::random_device{}());
    return std::string(text);
  }();
  return id;
}

std::vector<TimingVisit> timing_visits(std::size_t timed_cells, int repetitions) {
  std::vector<TimingVisit> visits;
  const int rounds = std::min(repetitions, kRounds);
  for (int round = 0; round < rounds; ++round) {
    const int first = repetitions * round / rounds, end = repetitions * (round + 1) / rounds;
    for (std::size_t i = 0; i < timed_cells; ++i)
      visits.push_back({round % 2 == 0 ? i : timed_cells - 1 - i, round, first, end - first});
  }
  return visits;
}

void warm_up(int warmup, int round, const std::function<StageTimes()>& repetition) {
  if (warmup == 0) return;
  if (round > 0) {
    repetition();
    return;
  }
  double last = repetition().total();
  for (int done = 1; done < 2 * warmup + 4; ++done) {
    const double now = repetition().total();
    const bool agree = std::abs(now - last) <= kAgree * std::max(now, last);
    if (agree && done + 1 >= warmup) return;
    last = now;
  }
}

std::function<StageTimes()> batch_timer(const Checkpoint& checkpoint, const Denoising& denoising, const ImageSize& size,
                                        std::vector<std::string> prompts, const std::string& negative_prompt) {
  const auto batch = static_cast<std::int64_t>(prompts.size());
  std::vector<std::uint64_t> streams;
  for (std::int64_t b = 0; b < batch; ++b) streams.push_back(stream_seed(0, b, 0));
  const Conditioning negative = checkpoint.pipeline.encode(std::span(&negative_prompt, 1));
  return [=, &checkpoint, prompts = std::move(prompts)] {
    const at::Device device = checkpoint.pipeline.compute.device;
    Rng rng = image_rng(streams);
    const Tensor noise = rng.normal(size.latents(batch));
    Conditioning text;
    Tensor latents;
    StageTimes times;
    times.text = milliseconds(device, [&] { text = checkpoint.pipeline.encode(prompts); });
    times.denoise = milliseconds(device, [&] {
      Evaluator evaluator(checkpoint, text, negative);
      latents = denoise(evaluator, denoising, noise, rng).latents;
    });
    times.decode = milliseconds(device, [&] { checkpoint.pipeline.decode(latents); });
    return times;
  };
}

std::vector<TimingRow> rows_of(const StageTimes& times, const TimingVisit& visit, int batch, int repetition) {
  return {{process_id(), batch, "text", repetition, times.text, visit.round},
          {process_id(), batch, "denoise", repetition, times.denoise, visit.round},
          {process_id(), batch, "decode", repetition, times.decode, visit.round}};
}

}  // namespace fewstep
