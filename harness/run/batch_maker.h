#pragma once
#include "core/image.h"
#include "harness/generate/text_states.h"
#include "harness/run/run_context.h"

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {

// What became of a batch's final latents. Cells that end in the same latents share it.
struct BatchImages {
  std::vector<Image> images;
  std::vector<std::vector<Tensor>> prepared;  // of each image, for each network that measures
  std::vector<MetricRows> rows;
  std::vector<std::string> hashes, fingerprints, pngs;  // of each image; a PNG of those that are kept
  std::vector<Trips> trips;
  std::exception_ptr error;  // that the first cell met
};

// A batch of one cell on its way, as a pipeline's item.
struct BatchWork {
  std::size_t cell = 0;
  std::vector<ImageKey> keys = {};  // none: all is stored, and the cell has to be finished
  bool last = false;                // of its cell
  std::shared_ptr<BatchImages> images = {};
  bool makes_images = true;  // else an earlier cell does, or did
  std::vector<std::uint64_t> streams = {};
  Tensor noise = {};                               // [B,C,h,w], on the CPU
  std::vector<std::uint64_t> latents_hashes = {};  // of noise
  std::int64_t forwards = 0;
  int together = 0;  // images at a time, where the device had no memory for all; else 0
  std::exception_ptr error = {};
};

// How often networks were asked, and how often they had to work; in evaluations and images of one batch each.
struct SharingCount {
  std::int64_t asked = 0, computed = 0, decodes_asked = 0, decodes_computed = 0;
  auto operator<=>(const SharingCount&) const = default;
};

// Seconds that networks ran, by what they did.
struct NetworkSeconds {
  double text = 0, denoise = 0, decode = 0, measure = 0;
};

// Makes and measures the batches of one checkpoint after the other. prepare and encode may run on any thread, for
// different images at once; everything else on one.
class BatchMaker {
 public:
  // share: cells of a batch share evaluations and decodes of equal content. run must outlive this.
  BatchMaker(const RunContext& run, bool share) : run_(run), share_(share) {}

  void begin_checkpoint(std::shared_ptr<const Checkpoint> checkpoint);
  void make(BatchWork& work);  // noise → latents → 8-bit images
  void prepare(BatchWork& work, std::size_t image) const;
  void measure(BatchWork& work);
  void encode(BatchWork& work, std::size_t image) const;
  const SharingCount& count() const { return count_; }
  const NetworkSeconds& seconds() const { return seconds_; }

 private:
  struct Part {  // images that go through the networks together
    std::int64_t begin, count;
    std::unique_ptr<Evaluator> evaluator;
  };
  struct Finished {
    Tensor latents;
    std::shared_ptr<BatchImages> images;
  };
  void begin_batch(const std::vector<ImageKey>& keys);
  void make_in_parts(BatchWork& work);
  std::vector<MetricRows> measure_in_parts(const BatchWork& work, int together) const;
  template <class Work>
  void with_smaller_parts(BatchWork& work, int together, Work&& attempt);

  const RunContext& run_;
  const bool share_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::unique_ptr<TextStates> states_;
  int together_ = 0;  // images at a time; 0: whole batches
  // Of the batch at hand.
  std::vector<ImageKey> keys_;
  std::vector<Part> parts_;
  std::vector<Finished> finished_;
  SharingCount count_;
  NetworkSeconds seconds_;
};

}  // namespace fewstep
