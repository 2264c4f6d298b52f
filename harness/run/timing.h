#pragma once
#include "harness/generate/generate.h"
#include "store/store.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// Identifies this process in timing rows: repetitions inside one are not independent.
const std::string& process_id();

// One cell at one batch size, as the timing pass goes through them.
struct TimedCell {
  std::size_t cell = 0;  // of the plan
  int batch = 1;
};
// A stay at one of them: some repetitions of one round, after warming up.
struct TimingVisit {
  std::size_t timed = 0;  // index of the TimedCell
  int round = 0, first_repetition = 0, repetitions = 0;
};
// Repetitions in rounds over all of the cells, every second round backwards, so that what else the machine does falls
// on all of them alike: at least three rounds, where there are as many repetitions.
std::vector<TimingVisit> timing_visits(std::size_t timed_cells, int repetitions);

// Milliseconds of the stages of kTimingStages.
struct StageTimes {
  double text = 0, denoise = 0, decode = 0;
  double total() const { return text + denoise + decode; }
};
// Untimed repetitions before a visit's own: in the first round at least warmup, and on until two that follow each other
// agree within 10 %, at most 2·warmup + 4; in later rounds one. None where warmup is 0.
void warm_up(int warmup, int round, const std::function<StageTimes()>& repetition);

// Times one whole batch; the device is waited for at each end of a stage. prompts: as many as the batch, one image
// each. Nothing is shared with the run that makes images.
std::function<StageTimes()> batch_timer(const Checkpoint& checkpoint, const Denoising& denoising, const ImageSize& size,
                                        std::vector<std::string> prompts, const std::string& negative_prompt);

std::vector<TimingRow> rows_of(const StageTimes& times, const TimingVisit& visit, int batch, int repetition);

}  // namespace fewstep
