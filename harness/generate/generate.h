#pragma once
#include "checkpoints/evaluator.h"
#include "core/checkpoint_ref.h"
#include "core/image.h"
#include "samplers/registry.h"
#include "settings/cells.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// The way from text states and noise to images, for one cell of a loaded checkpoint, which run, sample and the timing
// pass share.

struct ImageSize {
  int height = 0, width = 0;   // of images
  std::int64_t channels = 4;   // of latents
  std::int64_t downscale = 8;  // image pixels to a latent
  std::vector<std::int64_t> latents(std::int64_t batch) const {
    return {batch, channels, height / downscale, width / downscale};
  }
};
// Reads the configurations of a checkpoint folder alone. height, width: 0 for the size it was trained at. Throws Error
// (kUsage) for a size that is no multiple of the VAE's factor.
ImageSize image_size(const CheckpointRef& checkpoint, int height, int width);

// Images at a time where --batch does not say: about a million pixels on a CPU, eight million on CUDA.
int default_batch(const ImageSize& size, bool cuda);

// A cell's sampler and times on its checkpoint's schedule.
struct Denoising {
  const Sampler* sampler = nullptr;
  std::vector<NoiseLevel> levels;
  double omega = 0;
};
Denoising denoising_of(const CellKey& key, const CheckpointInfo& checkpoint);

struct Denoised {
  Tensor latents;             // [B,4,h,w] float32
  std::int64_t forwards = 0;  // network evaluations per image that the cell asked for
};
// noise: the start [B,4,h,w] float32 on any device. Throws Error (kInput) for latents that are not finite: they would
// become black images.
Denoised denoise(Evaluator& evaluator, const Denoising& denoising, const Tensor& noise, Rng& rng);

// The whole way of a batch, whose parts run and the timing pass take by themselves: latents and images [B,3,H,W] of
// captions, from noise as denoise takes it.
struct MadeImages {
  Tensor latents, images;
};
MadeImages make_images(const Checkpoint& checkpoint, const Denoising& denoising, const Conditioning& text,
                       const Conditioning& negative, const Tensor& noise, Rng& rng);

// SHA-256 over height, width and pixels.
std::string image_hash(const Image& image);

// The first 64 bits of the SHA-256 of initial latents as float32: with equal ones two images began alike.
std::uint64_t latents_hash(const Tensor& latents);

// Whether classifier-free guidance doubles the evaluations of a cell.
bool evaluates_twice(const CellKey& key, const CheckpointInfo& checkpoint);

}  // namespace fewstep
