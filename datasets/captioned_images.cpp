#include "datasets/captioned_images.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "datasets/captions.h"
#include "datasets/webdataset.h"
#include "images/files.h"

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

// One line of the identity. Lengths say where a name or caption ends, whatever it holds.
void append_line(std::string& lines, std::uint64_t image_bytes, const std::string& name, const std::string& caption) {
  lines += std::to_string(image_bytes) + " " + std::to_string(name.size()) + " " + name + " " +
           std::to_string(caption.size()) + " " + caption + "\n";
}

void expect_index(std::int64_t index, std::size_t count) {
  if (index >= 0 && index < static_cast<std::int64_t>(count)) return;
  throw usage_error("captioned images", "expected an index from 0 to " +
                                            std::to_string(static_cast<std::int64_t>(count) - 1) + ", got " +
                                            std::to_string(index));
}

template <typename Samples>
void take_count(const ImageQuery& query, Samples& samples) {
  if (!query.count) return;
  if (static_cast<std::int64_t>(samples.size()) < *query.count) {
    throw input_error(query.images.string(), "expected " + std::to_string(*query.count) +
                                                 " images with captions, got " + std::to_string(samples.size()));
  }
  samples.resize(static_cast<std::size_t>(*query.count));
}

// Each image has one caption, each caption an image of the folder itself.
void match(const ImageQuery& query, const std::vector<Prompt>& captions) {
  std::unordered_set<std::string> images;
  for (const fs::path& file : list_images(query.images)) images.insert(file.filename().string());
  std::unordered_set<std::string> seen;
  for (const Prompt& caption : captions) {
    const std::string where = query.captions.string();
    if (!seen.insert(caption.file).second)
      throw input_error(where, "expected one caption for " + in_quotes(caption.file) + ", got two");
    if (!images.contains(caption.file)) {
      throw input_error(where,
                        "expected an image " + in_quotes(caption.file) + " in " + query.images.string() + ", got none");
    }
  }
  std::vector<std::string> bare;
  for (const std::string& image : images)
    if (!seen.contains(image)) bare.push_back(image);
  if (bare.empty()) return;
  throw input_error(query.captions.string(), "expected a caption for each of " + std::to_string(images.size()) +
                                                 " images in " + query.images.string() + ", got none for " +
                                                 std::to_string(bare.size()) + ", such as " +
                                                 in_quotes(*std::min_element(bare.begin(), bare.end())));
}

CaptionedImages open_folder(const ImageQuery& query) {
  if (query.captions.empty()) {
    throw usage_error(query.images.string(),
                      "expected captions for a folder of images, a .jsonl, .csv, .tsv or .parquet, got none");
  }
  PromptSet set = read_prompts(
      {.file = query.captions, .text = query.text_column, .files = true, .file_column = query.file_column});
  match(query, set.prompts);
  take_count(query, set.prompts);
  std::string lines;
  for (const Prompt& prompt : set.prompts) {
    std::error_code failure;
    const auto bytes = fs::file_size(query.images / prompt.file, failure);
    if (failure) throw input_error((query.images / prompt.file).string(), "cannot be read: " + failure.message());
    append_line(lines, bytes, prompt.file, prompt.text);
  }
  const auto prompts = std::make_shared<const std::vector<Prompt>>(std::move(set.prompts));
  return {static_cast<std::int64_t>(prompts->size()), sha256(lines),
          [prompts, folder = query.images](std::int64_t index) -> CaptionedImage {
            expect_index(index, prompts->size());
            const Prompt& prompt = (*prompts)[static_cast<std::size_t>(index)];
            return {read_image(folder / prompt.file), prompt.text};
          }};
}

struct Shards {
  std::vector<fs::path> paths;
  std::vector<WebSample> samples;
};

CaptionedImage read_sample(const Shards& shards, std::int64_t index) {
  expect_index(index, shards.samples.size());
  const WebSample& sample = shards.samples[static_cast<std::size_t>(index)];
  const fs::path& path = shards.paths[sample.shard];
  return {decode_image(read_file_part(path, sample.offset, sample.size),
                       path.string() + ", entry " + in_quotes(sample.name)),
          sample.caption};
}

CaptionedImages open_shards(const ImageQuery& query) {
  if (!query.captions.empty() || query.file_column) {
    throw usage_error(query.images.string(),
                      "expected no captions file or column for a .tar, which holds its captions");
  }
  Shards shards{expand_shards(query.images), {}};
  shards.samples = read_web_samples(shards.paths, query.text_column, query.count);
  take_count(query, shards.samples);
  std::string lines;
  for (const WebSample& sample : shards.samples) append_line(lines, sample.size, sample.name, sample.caption);
  const auto shared = std::make_shared<const Shards>(std::move(shards));
  return {static_cast<std::int64_t>(shared->samples.size()), sha256(lines),
          [shared](std::int64_t index) { return read_sample(*shared, index); }};
}

}  // namespace

CaptionedImages open_captioned_images(const ImageQuery& query) {
  if (query.count && *query.count < 1)
    throw usage_error(query.images.string(), "expected a count of at least 1, got " + std::to_string(*query.count));
  std::error_code ignored;
  if (fs::is_directory(query.images, ignored)) return open_folder(query);
  if (query.images.extension() == ".tar") return open_shards(query);
  if (!fs::exists(query.images, ignored))
    throw input_error(query.images.string(), "expected a folder of images or a .tar, got nothing there");
  throw usage_error(query.images.string(), "expected a folder of images or a .tar, got another file");
}

}  // namespace fewstep
