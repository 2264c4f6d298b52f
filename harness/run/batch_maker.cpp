#include "harness/run/batch_maker.h"

#include "core/fault_point.h"
#include "harness/generate/regenerated.h"
#include "images/files.h"
#include "images/tripwires.h"
#include "process/progress.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace fewstep {
namespace {

constexpr std::int64_t kTextBytes = std::int64_t{1} << 30, kTextBytesOfABatch = std::int64_t{1} << 26;

// The first images of the parts of a batch, each of `together` images, and its end.
std::vector<std::int64_t> parts_of(std::size_t images, int together) {
  const auto count = static_cast<std::int64_t>(images);
  std::vector<std::int64_t> bounds;
  const std::int64_t size = together > 0 ? together : count;
  for (std::int64_t begin = 0; begin < count; begin += size) bounds.push_back(begin);
  bounds.push_back(count);
  return bounds;
}

// Adds the time of its life to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  ~Stopwatch() { sum_ += seconds_since(start_); }

 private:
  double& sum_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

template <class T>
std::span<T> slice(std::vector<T>& all, std::int64_t begin, std::int64_t count) {
  return std::span(all).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
}

}  // namespace

void BatchMaker::begin_checkpoint(std::shared_ptr<const Checkpoint> checkpoint) {
  parts_.clear();
  finished_.clear();
  keys_.clear();
  states_.reset();
  checkpoint_ = std::move(checkpoint);
  together_ = 0;
  // Cells of one batch follow each other where they share; where they do not, a cell's batches do.
  states_ = std::make_unique<TextStates>(*checkpoint_, run_.plan.texts, run_.experiment.cell.negative_prompt,
                                         share_ ? kTextBytesOfABatch : kTextBytes);
}

void BatchMaker::begin_batch(const std::vector<ImageKey>& keys) {
  const Stopwatch watch(seconds_.text);
  keys_ = keys;
  parts_.clear();
  finished_.clear();
  const auto bounds = parts_of(keys.size(), together_);
  for (std::size_t part = 0; part + 1 < bounds.size(); ++part) {
    const std::int64_t begin = bounds[part], count = bounds[part + 1] - begin;
    std::vector<std::size_t> prompts;
    for (const ImageKey& key : slice(keys_, begin, count)) prompts.push_back(key.prompt);
    parts_.push_back(
        {begin, count, std::make_unique<Evaluator>(*checkpoint_, states_->of(prompts), states_->negative(), share_)});
  }
}

// A device without memory for the whole batch gets halves of it, for the rest of the checkpoint. What was made whole is
// measured whole: it does not depend on how far other batches are.
template <class Work>
void BatchMaker::with_smaller_parts(BatchWork& work, int together, Work&& attempt) {
  const int whole = static_cast<int>(work.keys.size());
  for (const SharingCount before = count_;; count_ = before) {
    try {
      attempt(together);
      work.together = together < whole ? together : 0;
      return;
    } catch (const c10::OutOfMemoryError&) {
      const int now = together > 0 ? std::min(together, whole) : whole;
      if (now <= 1) throw;
      together = (now + 1) / 2;
      together_ = together_ > 0 ? std::min(together_, together) : together;
    }
  }
}

void BatchMaker::make(BatchWork& work) {
  if (work.keys.empty()) return;
  for (const ImageKey& key : work.keys)
    work.streams.push_back(stream_seed(run_.experiment.cell.seed, run_.plan.rows[key.prompt], key.image));
  with_smaller_parts(work, together_, [&](int together) {
    const auto needed = parts_of(work.keys.size(), together).size() - 1;
    if (!share_ || work.keys != keys_ || parts_.size() != needed) begin_batch(work.keys);
    make_in_parts(work);
  });
}

void BatchMaker::make_in_parts(BatchWork& work) {
  const PlannedCell& planned = run_.plan.cells[work.cell];
  const Denoising denoising = denoising_of(planned.cell.key, checkpoint_->info);
  std::vector<Tensor> noises, latents;
  for (const auto& [begin, count, evaluator] : parts_) {
    Rng rng = image_rng(slice(work.streams, begin, count));
    noises.push_back(rng.normal(planned.size.latents(count)));
    const std::int64_t before = evaluator->computed();
    fault_point("denoise");
    const Stopwatch watch(seconds_.denoise);
    const Denoised denoised = denoise(*evaluator, denoising, noises.back(), rng);
    latents.push_back(denoised.latents);
    work.forwards = denoised.forwards;
    count_.asked += denoised.forwards * count;
    count_.computed += (evaluator->computed() - before) * count;
  }
  work.noise = at::cat(noises);
  work.latents_hashes.resize(work.keys.size());
  const auto images = static_cast<std::int64_t>(work.keys.size());
  const Tensor all = at::cat(latents);
  count_.decodes_asked += images;
  const auto known = std::find_if(finished_.begin(), finished_.end(),
                                  [&](const Finished& one) { return same_bits(one.latents, all); });
  work.makes_images = known == finished_.end();
  if (!work.makes_images) {
    work.images = known->images;
    return;
  }
  count_.decodes_computed += images;
  work.images = std::make_shared<BatchImages>();
  for (const Tensor& part : latents) {
    fault_point("decode");
    const Stopwatch watch(seconds_.decode);
    for (Image& image : to_images(checkpoint_->pipeline.decode(part))) work.images->images.push_back(std::move(image));
  }
  work.images->prepared.resize(work.keys.size());
  for (auto* texts : {&work.images->hashes, &work.images->fingerprints, &work.images->pngs})
    texts->resize(work.keys.size());
  work.images->trips.resize(work.keys.size());
  if (share_) finished_.push_back({all, work.images});
}

void BatchMaker::prepare(BatchWork& work, std::size_t image) const {
  if (work.makes_images) work.images->prepared[image] = run_.metrics.prepare(work.images->images[image]);
}

std::vector<MetricRows> BatchMaker::measure_in_parts(const BatchWork& work, int together) const {
  std::vector<std::string> texts;
  for (const ImageKey& key : work.keys) texts.push_back(run_.plan.texts[key.prompt]);
  auto& prepared = work.images->prepared;
  std::vector<MetricRows> all;
  const auto bounds = parts_of(work.keys.size(), together);
  for (std::size_t part = 0; part + 1 < bounds.size(); ++part) {
    const std::int64_t begin = bounds[part], count = bounds[part + 1] - begin;
    fault_point("measure");
    auto rows = run_.metrics.measure(slice(prepared, begin, count), slice(texts, begin, count));
    if (all.empty()) {
      all = std::move(rows);
    } else {
      for (std::size_t m = 0; m < all.size(); ++m)
        all[m].values.insert(all[m].values.end(), rows[m].values.begin(), rows[m].values.end());
    }
  }
  return all;
}

void BatchMaker::measure(BatchWork& work) {
  if (work.keys.empty()) return;
  BatchImages& images = *work.images;
  if (!work.makes_images) {
    if (images.error) std::rethrow_exception(images.error);
    return;
  }
  const Stopwatch watch(seconds_.measure);
  try {
    with_smaller_parts(work, work.together, [&](int together) { images.rows = measure_in_parts(work, together); });
  } catch (...) {
    images.error = std::current_exception();
    throw;
  }
  images.prepared.clear();
}

void BatchMaker::encode(BatchWork& work, std::size_t image) const {
  work.latents_hashes[image] = latents_hash(work.noise[static_cast<std::int64_t>(image)]);
  if (!work.makes_images) return;
  BatchImages& images = *work.images;
  const Image& pixels = images.images[image];
  images.hashes[image] = image_hash(pixels);
  images.fingerprints[image] = fingerprint(pixels);
  images.trips[image] = trips_of(pixels);
  if (static_cast<std::int64_t>(work.keys[image].prompt) < run_.experiment.keep_images)
    images.pngs[image] = encode_png(pixels);
}

}  // namespace fewstep
