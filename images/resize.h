#pragma once
#include "core/image.h"
#include "images/resize_window.h"

#include <vector>

namespace fewstep {

// Pillow's Image.resize((width, height), filter) for 8-bit RGB, bit for bit: antialiased, one direction, rounded
// and clipped to 8 bits, then the other, in the order of Pillow 13.0. Source: Pillow src/libImaging/Resample.c.
// Throws Error (kInput) for an empty image, (kUsage) for a size below 1.
Image resize_pil(const Image& image, int height, int width, PilFilter filter);

// The same for each channel as a 32-bit float image (mode "F"): nothing is rounded to 8 bits or clipped.
// Planes [3][height][width].
std::vector<float> resize_pil_float(const Image& image, int height, int width, PilFilter filter);

// The middle height × width, offsets as Transformers' center_crop rounds them (zero padding when larger).
Image center_crop(const Image& image, int height, int width);
// The middle square, resized to size × size by Lanczos where it is not: what fewstep stats --crop center --resolution
// measures, so that a model trains on what it is compared with.
Image square_image(const Image& image, int size);

}  // namespace fewstep
