#pragma once
#include "settings/experiment.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace fewstep {

// fewstep sample: images of one checkpoint.
struct SampleRequest {
  std::filesystem::path checkpoint = {};
  std::string sampler = {};
  int steps = 4;
  Guidance guidance = {};
  std::optional<std::string> prompt = {};             // one of the two
  std::optional<std::filesystem::path> prompts = {};  // a file of captions
  std::string negative_prompt = {};
  std::uint64_t seed = 0;
  std::filesystem::path output = {};                       // folder
  std::optional<std::filesystem::path> latents = {};       // starts from given noise
  std::optional<std::filesystem::path> save_latents = {};  // final latents and float images
  std::string spacing = {};                                // empty: trailing, for lcm: lcm
  std::string final_sigma = "zero";
  int original_steps = 0;  // lcm: points of the grid; 0: the checkpoint's own
  std::string device = "auto", dtype = "float32";
  int batch = 0;  // images; 0: chosen by their size
};

}  // namespace fewstep
