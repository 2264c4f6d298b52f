#include "harness/timing.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>

namespace fewstep {
namespace {

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

std::vector<TimingRow> time_cell(const Checkpoint& checkpoint, const Denoising& denoising, const ImageSize& size,
                                 std::span<const std::string> prompts, const std::string& negative_prompt, int warmup,
                                 int repetitions) {
  const at::Device device = checkpoint.unet.compute.device;
  const auto batch = static_cast<int>(prompts.size());
  std::vector<std::uint64_t> streams;
  for (int b = 0; b < batch; ++b) streams.push_back(stream_seed(0, b, 0));
  const Tensor negative = encode_prompts(checkpoint, std::span(&negative_prompt, 1));
  std::vector<TimingRow> rows;
  for (int i = -warmup; i < repetitions; ++i) {
    Rng rng = image_rng(streams);
    const Tensor noise = rng.normal(size.latents(batch));
    Tensor states, latents;
    const double text = milliseconds(device, [&] { states = encode_prompts(checkpoint, prompts); });
    const double denoised =
        milliseconds(device, [&] { latents = denoise(checkpoint, denoising, states, negative, noise, rng).latents; });
    const double decoded = milliseconds(device, [&] { decode(checkpoint.vae, latents); });
    if (i < 0) continue;
    rows.push_back({process_id(), batch, "text", i, text});
    rows.push_back({process_id(), batch, "denoise", i, denoised});
    rows.push_back({process_id(), batch, "decode", i, decoded});
  }
  return rows;
}

}  // namespace fewstep
