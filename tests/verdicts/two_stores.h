#pragma once
#include "core/tripwires.h"
#include "store/store.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// Stores with invented numbers that look like those of runs, to be compared with each other. Numbers depend on the
// seed, the cell and the prompt alone, so that equal arms are equal to the bit.
struct ArmCell {
  std::string sampler = "lcm";
  int steps = 4;
  double omega = 8;
  double clip = 0, fid = 0;  // by so much above what the seed gives
  CellState state = CellState::kComplete;
  int stored = -1;                  // images; −1: all
  std::map<int, Trips> trips = {};  // by prompt
  bool has_clip = true, clip_is_nan = false;
  int original_inference_steps = 50;
  std::string final_sigma = "zero";
};
struct ArmStore {
  std::string checkpoint = "lcm", sha256 = std::string(64, 'c'), kind = "consistency";
  int prompts = 100, images_per_prompt = 1, size = 64;
  std::uint64_t seed = 1;
  std::string source = std::string(64, 'a'), caption = "caption ";
  std::string clip_model = std::string(64, '1'), reference = std::string(64, '3'), protocol = "pytorch-fid";
  std::string environment = R"({"cpu":"test machine"})";
  int processes = 1;
  double ms = 100, jitter = 0;  // jitter: of what a cell's own move is for each prompt
  bool looked_at = true, knows_latents = true, has_influence = true, keeps_images = false;
  std::vector<ArmCell> cells{{}};
};
void write_arm(const std::filesystem::path& path, const ArmStore& wanted);

}  // namespace fewstep
