#include "datasets/captioned_images.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "core/warnings.h"
#include "datasets/captions.h"
#include "datasets/name_form.h"
#include "datasets/webdataset.h"
#include "images/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

// One line of the identity. Lengths say where a name or caption ends, whatever it holds.
void append_line(std::string& lines, std::uint64_t image_bytes, const std::string& name, const std::string& caption) {
  lines += fmt::format("{} {} {} {} {}\n", image_bytes, name.size(), name, caption.size(), caption);
}

void expect_index(std::int64_t index, std::size_t count) {
  if (index >= 0 && index < static_cast<std::int64_t>(count)) return;
  throw usage_error("captioned images",
                    fmt::format("expected an index from 0 to {}, got {}", static_cast<std::int64_t>(count) - 1, index));
}

template <typename Samples>
void take_count(const ImageQuery& query, Samples& samples) {
  if (!query.count) return;
  if (static_cast<std::int64_t>(samples.size()) < *query.count) {
    throw input_error(query.images.string(),
                      fmt::format("expected {} images with captions, got {}", *query.count, samples.size()));
  }
  samples.resize(static_cast<std::size_t>(*query.count));
}

using ReadSample = std::function<CaptionedImage(std::int64_t index)>;

// Broken images show when they are asked for, perhaps after hours: the next sample stands in for one, until there are
// too many of them.
ReadSample standing_in(const ImageQuery& query, std::int64_t count, ReadSample read) {
  struct Broken {
    std::mutex mutex;
    std::set<std::int64_t> indices;
    LeftOut left_out;
    explicit Broken(const ImageQuery& of) : left_out(of.images.string(), of.max_left_out) {}
  };
  const auto broken = std::make_shared<Broken>(query);
  return [=, where = query.images.string()](std::int64_t index) {
    expect_index(index, static_cast<std::size_t>(count));
    for (std::int64_t i = index;; i = (i + 1) % count) {
      try {
        return read(i);
      } catch (const Error& error) {
        if (error.code() != ExitCode::kInput) throw;
        const std::lock_guard lock(broken->mutex);
        if (broken->indices.insert(i).second) broken->left_out.add(error.what());
        if (!broken->left_out.fits(count, kFewSamples) || broken->left_out.count() == count) throw;
        warn(where, "left out, and the next one taken: " + std::string(error.what()));
      }
    }
  };
}

// A caption whose file is there in another Unicode form alone, and no caption names that one, takes the file's name.
void use_names_of_files(const std::set<std::string>& images, std::vector<Prompt>& captions) {
  std::multimap<std::string, std::string> forms;
  for (const std::string& image : images) forms.emplace(composed_name(image), image);
  std::set<std::string> named;
  for (const Prompt& caption : captions) named.insert(caption.file);
  for (Prompt& caption : captions) {
    if (images.contains(caption.file)) continue;
    const std::string form = composed_name(caption.file);
    if (forms.count(form) == 1 && !named.contains(forms.find(form)->second)) caption.file = forms.find(form)->second;
  }
}

// Keeps the captions that have an image in the folder. An image without a caption and a caption without an image are
// left out; two captions for one image are an error.
void match(const ImageQuery& query, std::vector<Prompt>& captions) {
  std::set<std::string> images;
  for (const fs::path& file : list_images(query.images, {kImageEndings, true, true}).files)
    images.insert(file.lexically_relative(query.images).generic_string());
  use_names_of_files(images, captions);
  std::map<std::string, std::string> seen;  // and its caption
  LeftOut left_out(query.captions.string(), query.max_left_out);
  std::vector<Prompt> kept;
  for (Prompt& caption : captions) {
    if (const auto [place, fresh] = seen.emplace(caption.file, caption.text); !fresh)
      throw input_error(query.captions.string(), "expected one caption for " + in_quotes(caption.file) + ", got two" +
                                                     advice_for_captions(place->second, caption.text));
    if (images.contains(caption.file)) {
      kept.push_back(std::move(caption));
    } else {
      left_out.add("expected an image " + in_quotes(caption.file) + " in " + query.images.string() + ", got none");
    }
  }
  for (const std::string& image : images)
    if (!seen.contains(image)) left_out.add("expected a caption for " + in_quotes(image) + ", got none");
  left_out.finish(static_cast<std::int64_t>(kept.size()) + left_out.count(), "images with captions", kFewSamples);
  captions = std::move(kept);
}

// Every image of a folder, for those who need no captions.
std::vector<Prompt> without_captions(const ImageQuery& query) {
  std::vector<Prompt> prompts;
  for (const fs::path& file : list_images(query.images).files)
    prompts.push_back({static_cast<std::int64_t>(prompts.size()), "", file.filename().string()});
  return prompts;
}

CaptionedImages open_folder(const ImageQuery& query) {
  PromptSet set;
  std::string text;
  if (query.captions.empty() && !query.captions_needed) {
    set.prompts = without_captions(query);
    text = fmt::format("{} images of {}, without captions", set.prompts.size(), query.images.string());
  } else if (query.captions.empty()) {
    throw usage_error(query.images.string(),
                      "expected captions for a folder of images, a .jsonl, .csv, .tsv or .parquet, got none");
  } else {
    set = read_prompts({.file = query.captions,
                        .text = query.text_column,
                        .files = FileNames::kNeeded,
                        .file_column = query.file_column,
                        .max_left_out = query.max_left_out});
    match(query, set.prompts);
    text = text_of(set, query.captions);
  }
  take_count(query, set.prompts);
  std::string lines;
  for (const Prompt& prompt : set.prompts) {
    std::error_code failure;
    const auto bytes = fs::file_size(query.images / prompt.file, failure);
    if (failure) throw input_error((query.images / prompt.file).string(), "cannot be read: " + failure.message());
    append_line(lines, bytes, prompt.file, prompt.text);
  }
  const auto prompts = std::make_shared<const std::vector<Prompt>>(std::move(set.prompts));
  return {static_cast<std::int64_t>(prompts->size()), sha256(lines), std::move(text),
          standing_in(query, static_cast<std::int64_t>(prompts->size()),
                      [prompts, folder = query.images](std::int64_t index) {
                        const Prompt& prompt = (*prompts)[static_cast<std::size_t>(index)];
                        return CaptionedImage{read_image(folder / prompt.file), prompt.text};
                      })};
}

struct Shards {
  std::vector<fs::path> paths;
  std::vector<WebSample> samples;
};

CaptionedImage read_sample(const Shards& shards, std::int64_t index) {
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
  shards.samples = read_web_samples(shards.paths, query);
  take_count(query, shards.samples);
  std::string lines;
  for (const WebSample& sample : shards.samples) append_line(lines, sample.size, sample.name, sample.caption);
  const auto shared = std::make_shared<const Shards>(std::move(shards));
  return {static_cast<std::int64_t>(shared->samples.size()), sha256(lines),
          fmt::format("{} images of {}, the first caption: {}", shared->samples.size(), query.images.string(),
                      in_quotes(shared->samples.front().caption)),
          standing_in(query, static_cast<std::int64_t>(shared->samples.size()),
                      [shared](std::int64_t index) { return read_sample(*shared, index); })};
}

}  // namespace

CaptionedImages open_captioned_images(const ImageQuery& query) {
  if (query.count && *query.count < 1)
    throw usage_error(query.images.string(), fmt::format("expected a count of at least 1, got {}", *query.count));
  std::error_code ignored;
  if (fs::is_directory(query.images, ignored)) return open_folder(query);
  if (query.images.extension() == ".tar") return open_shards(query);
  if (!fs::exists(query.images, ignored))
    throw input_error(query.images.string(), "expected a folder of images or a .tar, got nothing there");
  throw usage_error(query.images.string(), "expected a folder of images or a .tar, got another file");
}

}  // namespace fewstep
