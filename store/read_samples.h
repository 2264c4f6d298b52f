#pragma once
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// Single prompts and images, for pages that show them. All functions throw Error (kInput) for a damaged store; texts
// are as they were stored and need escaping where they are shown.

struct StoredPrompt {
  std::int64_t id = 0, row = 0;  // row: in the caption file, from 0
  std::string text;
};

// Prompts with a kept image (of image index 0) in the given series: those that most of the series have come first, then
// as they were stored. At most limit.
std::vector<StoredPrompt> prompts_with_images(Store& store, std::span<const std::int64_t> series_ids,
                                              std::int64_t limit);

// The first image of a prompt in a series; nothing where none is stored.
struct StoredSample {
  std::string image_sha256;
  std::string image_path;  // see stored_image(); empty: not kept
};
std::optional<StoredSample> first_sample(Store& store, std::int64_t series_id, std::int64_t prompt_id);

// All that is stored of one image, with its numbers by some metrics; nothing for one that it lacks.
struct StoredImageRow {
  std::int64_t prompt_row = 0, image_index = 0, forwards = 0;
  std::uint64_t seed = 0;
  std::string text, image_sha256, image_path;
  std::vector<std::optional<double>> values;
};
// Whether a metric has a number for each image of a whole series: its first one tells.
bool has_numbers(Store& store, std::int64_t series_id, const MetricKey& metric);
// By prompt and image, one at a time: a series may have a million.
void for_each_image(Store& store, std::int64_t series_id, std::span<const MetricKey> metrics,
                    const std::function<void(StoredImageRow&& image)>& use);

// An image that was kept, and what it was made from.
struct KeptImage {
  std::string image_path, text;  // see stored_image()
  std::int64_t prompt_row = 0;
  std::string cell;  // "checkpoint=lcm sampler=lcm steps=4 omega=8"
};
std::vector<KeptImage> kept_images(Store& store);

// Images that trip a wire (core/tripwires.h): their bits, by prompt row and image index.
std::map<std::pair<std::int64_t, int>, Trips> tripped_images(Store& store, std::int64_t series_id);

// The prompt of a row of a series' captions, and the first image's sample there.
std::optional<StoredPrompt> find_prompt(Store& store, std::int64_t series_id, std::int64_t row);
// Rows of the prompts that a series has images of, rising.
std::vector<std::int64_t> prompt_rows_of(Store& store, std::int64_t series_id);
// The prompts that a series has images of, by row.
std::vector<StoredPrompt> prompts_of(Store& store, std::int64_t series_id);

// The run that made an image, and with how many others; nothing for an image that is not stored.
struct MadeIn {
  std::int64_t run_id = 0;
  std::int64_t cell_images = 0;      // of the whole cell in that run
  std::optional<int> together = {};  // images at a time, where the device had no memory for the batch
};
std::optional<MadeIn> made_in(Store& store, std::int64_t series_id, std::int64_t prompt_row, int image_index);

// A prompt's number in a series: the mean over its images.
struct PromptScore {
  StoredPrompt prompt;
  double value = 0;
};
// A metric with one number an image: the mean over each prompt's images, by the prompt's row; empty for other metrics.
std::map<std::int64_t, double> prompt_scores(Store& store, std::int64_t series_id, const MetricKey& metric);
struct PromptExtremes {
  std::vector<PromptScore> best, worst;  // the best, the worst first; no prompt is in both
};
// The prompts with the best and the worst values of a metric that has one number an image, at most count of each; empty
// for other metrics.
PromptExtremes prompt_extremes(Store& store, std::int64_t series_id, const MetricKey& metric, std::int64_t count);

}  // namespace fewstep
