#include "harness/generate/generate.h"

#include "checkpoints/prediction.h"
#include "core/error.h"
#include "core/files.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {

ImageSize image_size(const CheckpointRef& checkpoint, int height, int width) {
  const LatentShape latents = latent_shape(checkpoint);
  const ImageSize size{height > 0 ? height : static_cast<int>(latents.rows * latents.downscale),
                       width > 0 ? width : static_cast<int>(latents.columns * latents.downscale), latents.channels,
                       latents.downscale};
  if (size.height % size.downscale == 0 && size.width % size.downscale == 0) return size;
  throw usage_error(checkpoint.label(),
                    fmt::format("expected a height and width that are multiples of {}, got {} and {}", size.downscale,
                                size.height, size.width));
}

int default_batch(const ImageSize& size, bool cuda) {
  const std::int64_t pixels = std::int64_t{1} << (cuda ? 23 : 20);
  return static_cast<int>(
      std::clamp<std::int64_t>(pixels / (std::int64_t{size.height} * size.width), 1, cuda ? 64 : 32));
}

Denoising denoising_of(const CellKey& key, const CheckpointInfo& checkpoint) {
  return {&find_sampler(key.sampler), make_grid(schedule_of(checkpoint), grid_of(key, checkpoint)), key.omega};
}

Denoised denoise(Evaluator& evaluator, const Denoising& denoising, const Tensor& noise, Rng& rng) {
  Denoised result;
  const Checkpoint& checkpoint = evaluator.checkpoint();
  const Denoiser denoiser = make_denoiser(evaluator, denoising.sampler->kind, denoising.omega, &result.forwards);
  const Tensor start = noise.to(checkpoint.pipeline.compute.device, at::kFloat);
  result.latents = denoising.sampler->run(denoiser, start, denoising.levels, rng);
  if (const auto broken = count_not_finite(result.latents); broken > 0) {
    throw input_error(checkpoint.info.folder.string(),
                      fmt::format("expected finite latents, got NaN or infinity in {} of {} images of a batch; try "
                                  "--dtype float32, or mend the checkpoint",
                                  broken, noise.size(0)));
  }
  return result;
}

MadeImages make_images(const Checkpoint& checkpoint, const Denoising& denoising, const Conditioning& text,
                       const Conditioning& negative, const Tensor& noise, Rng& rng) {
  Evaluator evaluator(checkpoint, text, negative);
  const Tensor latents = denoise(evaluator, denoising, noise, rng).latents;
  return {latents, checkpoint.pipeline.decode(latents)};
}

std::string image_hash(const Image& image) {
  std::string bytes = fmt::format("{}x{}\n", image.height, image.width);
  bytes.append(image.rgb.begin(), image.rgb.end());
  return sha256(bytes);
}

std::uint64_t latents_hash(const Tensor& latents) {
  const Tensor plain = latents.to(at::kCPU, at::kFloat).contiguous();
  const std::string hash =
      sha256({reinterpret_cast<const char*>(plain.const_data_ptr<float>()), static_cast<std::size_t>(plain.nbytes())});
  return std::stoull(hash.substr(0, 16), nullptr, 16);
}

bool evaluates_twice(const CellKey& key, const CheckpointInfo& checkpoint) {
  return !checkpoint.omega_embedding && key.omega != 0;
}

}  // namespace fewstep
