#pragma once
#include "harness/generate.h"
#include "store/store.h"

#include <span>
#include <string>
#include <vector>

namespace fewstep {

// Identifies this process in timing rows: repetitions inside one are not independent.
const std::string& process_id();

// Times text, denoise and decode of one whole batch, repetitions times after warmup untimed ones; the device is waited
// for at each end. prompts: as many as the batch, one image each. Nothing is shared with the run that makes images.
std::vector<TimingRow> time_cell(const Checkpoint& checkpoint, const Denoising& denoising, const ImageSize& size,
                                 std::span<const std::string> prompts, const std::string& negative_prompt, int warmup,
                                 int repetitions);

}  // namespace fewstep
