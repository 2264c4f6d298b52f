#include "datasets/webdataset.h"

#include "core/error.h"
#include "core/files.h"
#include "core/left_out.h"
#include "core/text.h"
#include "core/warnings.h"
#include "datasets/caption_table.h"
#include "formats/json.h"
#include "formats/tar_index.h"
#include "images/files.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxCaptionBytes = 1 << 20;
constexpr std::size_t kMaxShards = 100'000;
constexpr std::array<std::string_view, 3> kTextEndings = {".txt", ".text", ".caption"};

struct Range {
  std::uint64_t first = 0, last = 0;
  std::size_t digits = 0;  // numbers are filled with zeros to so many
};

// The inner text of a brace, "000..009".
Range range_of(std::string_view text, const std::string& pattern) {
  const auto dots = text.find("..");
  const auto number = [&](std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc() || end != digits.data() + digits.size())
      throw usage_error(pattern, "expected a range of numbers such as {000..009}, got {" + std::string(text) + "}");
    return value;
  };
  const std::string_view first = text.substr(0, dots), last = dots == text.npos ? "" : text.substr(dots + 2);
  const Range range{number(first), number(last), first.starts_with('0') ? first.size() : 0};
  if (range.last < range.first || range.last - range.first >= kMaxShards) {
    throw usage_error(pattern,
                      fmt::format("expected a range upwards of at most {} numbers, got {{{}}}", kMaxShards, text));
  }
  return range;
}

std::vector<std::string> expand(const std::string& text, const std::string& pattern) {
  const auto open = text.find('{'), close = text.find('}', open);
  if (open == std::string::npos) return {text};
  if (close == std::string::npos) throw usage_error(pattern, "expected a closing brace, got none");
  const Range range = range_of(std::string_view(text).substr(open + 1, close - open - 1), pattern);
  const std::vector<std::string> rests = expand(text.substr(close + 1), pattern);
  std::vector<std::string> all;
  for (std::uint64_t i = range.first; i <= range.last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < range.digits) number.insert(0, range.digits - number.size(), '0');
    for (const std::string& rest : rests) all.push_back(text.substr(0, open) + number + rest);
    if (all.size() > kMaxShards)
      throw usage_error(pattern, fmt::format("expected at most {} shards, got more", kMaxShards));
  }
  return all;
}

// Entries that became no part of a sample, by their ending.
class Unused {
 public:
  void add(const std::string& ending) { ++counts_[ending.empty() ? "without an ending" : ending]; }
  void tell(const std::string& where) const {
    std::string text;
    for (const auto& [ending, count] : counts_)
      text += fmt::format("{}{} {}", (text.empty() ? "" : ", "), count, ending);
    if (!text.empty()) warn(where, "entries that are no part of a sample: " + text);
  }

 private:
  std::map<std::string, std::int64_t> counts_;
};

class Shard {
 public:
  Shard(const fs::path& path, std::size_t number, const ImageQuery& query)
      : path_(path), number_(number), key_(query.text_column), captions_needed_(query.captions_needed) {}

  void add_to(std::vector<WebSample>& samples, LeftOut& left_out, Unused& unused) {
    entries_ = index_tar(path_);
    for (const TarEntry& entry : entries_) sort(entry, unused);
    for (const Parts& parts : parts_) {
      if (parts.is_side && with_image_.contains(parts.group)) {
        for (const TarEntry* entry : {parts.image, parts.text, parts.json})
          if (entry) unused.add(lower(entry->name.substr(parts.group.size())));
        continue;
      }
      try {
        samples.push_back(sample_of(parts));
      } catch (const Error& error) {
        left_out.add(error.what());
      }
    }
  }

 private:
  // What has one name up to its last dot. "8.0" of "8.0.jpg" is a sample of the name, or a further part of the sample
  // "8" (webdataset's own rule) where "8.jpg" is there.
  struct Parts {
    const TarEntry *image = nullptr, *text = nullptr, *json = nullptr;
    std::string group;  // the name up to its first dot
    bool is_side = false;
  };

  std::string where(const TarEntry& entry) const { return path_.string() + ", entry " + in_quotes(entry.name); }

  void sort(const TarEntry& entry, Unused& unused) {
    const auto slash = entry.name.rfind('/');
    const auto base = slash == std::string::npos ? 0 : slash + 1, first = entry.name.find('.', base);
    // An entry without an ending, or a hidden one, is no part of a sample (macOS adds "._NAME" beside every file).
    if (first == std::string::npos || first == base) return unused.add(first == base ? "hidden" : "");
    const auto last = entry.name.rfind('.');
    const std::string ending = lower(entry.name.substr(last));
    const bool image = is_image_extension(ending), json = ending == ".json";
    const bool text = std::ranges::find(kTextEndings, ending) != kTextEndings.end();
    if (!image && !json && !text) return unused.add(lower(entry.name.substr(first)));
    const auto [found, fresh] = by_key_.emplace(entry.name.substr(0, last), parts_.size());
    if (fresh) parts_.push_back({nullptr, nullptr, nullptr, entry.name.substr(0, first), first != last});
    Parts& parts = parts_[found->second];
    const TarEntry*& part = image ? parts.image : json ? parts.json : parts.text;
    if (part && image)
      throw input_error(where(entry), "expected one image of a name, got " + in_quotes(parts.image->name) + " too");
    if (part) return unused.add(ending);
    part = &entry;
    if (image && !parts.is_side) with_image_.insert(parts.group);
  }

  WebSample sample_of(const Parts& parts) const {
    const TarEntry* caption = key_ || !parts.text ? parts.json : parts.text;
    if (!parts.image)
      throw input_error(where(parts.text ? *parts.text : *parts.json), "expected an image of the same name, got none");
    if (!caption && captions_needed_) {
      throw input_error(where(*parts.image), std::string("expected a caption of the same name, ") +
                                                 (key_ ? ".json" : ".txt, .text, .caption or .json") + ", got none");
    }
    const TarEntry& image = *parts.image;
    expect_size(image, kMaxImageBytes);
    return {number_, image.name, image.offset, image.size, caption ? caption_in(*caption) : ""};
  }

  void expect_size(const TarEntry& entry, std::uint64_t most) const {
    if (entry.size > most) {
      throw input_error(where(entry), fmt::format("expected at most {} bytes, got {}", most, entry.size));
    }
  }

  std::string caption_in(const TarEntry& entry) const {
    try {
      return needed_caption_in(entry);
    } catch (const Error&) {
      if (captions_needed_) throw;
      return "";
    }
  }

  std::string needed_caption_in(const TarEntry& entry) const {
    expect_size(entry, kMaxCaptionBytes);
    std::string text = read_file_part(path_, entry.offset, entry.size);
    if (entry.name.size() >= 5 && lower(entry.name.substr(entry.name.size() - 5)) == ".json")
      text = caption_of(parse_json_object(text, where(entry)), entry);
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (const auto trouble = utf8_trouble(text, "a caption")) throw input_error(where(entry), *trouble);
    if (is_blank(text)) throw input_error(where(entry), "expected a caption, got none");
    return text;
  }

  std::string caption_of(const nlohmann::json& object, const TarEntry& entry) const {
    const std::vector<std::string> keys =
        key_ ? std::vector{*key_} : std::vector<std::string>{"caption", "text", "prompt"};
    for (const std::string& key : keys) {
      const auto found = object.find(key);
      if (found == object.end() || found->is_null()) continue;
      if (found->is_string()) return found->get<std::string>();
      throw input_error(where(entry), "expected a text for " + in_quotes(key) + ", got a " + found->type_name());
    }
    throw input_error(where(entry), "expected a caption under " + in_quotes(keys.front()) +
                                        (key_ ? "" : ", \"text\" or \"prompt\"") + ", got none");
  }

  const fs::path& path_;
  std::size_t number_;
  const std::optional<std::string>& key_;
  const bool captions_needed_;
  std::vector<TarEntry> entries_;
  std::vector<Parts> parts_;          // in the order of their first entries
  std::set<std::string> with_image_;  // groups whose plain name has an image
  std::unordered_map<std::string, std::size_t> by_key_;
};

}  // namespace

std::vector<fs::path> expand_shards(const fs::path& pattern) {
  std::error_code ignored;
  if (fs::exists(pattern, ignored)) return {pattern};
  std::vector<fs::path> paths;
  for (std::string& path : expand(pattern.string(), pattern.string())) paths.emplace_back(std::move(path));
  return paths;
}

std::vector<WebSample> read_web_samples(const std::vector<fs::path>& shards, const ImageQuery& query) {
  std::vector<WebSample> samples;
  LeftOut left_out(query.images.string(), query.max_left_out);
  Unused unused;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (query.count && static_cast<std::int64_t>(samples.size()) >= *query.count) break;
    const auto seen = [&] { return static_cast<std::int64_t>(samples.size()) + left_out.count(); };
    const std::int64_t before = seen();
    Shard(shards[i], i, query).add_to(samples, left_out, unused);
    if (seen() == before)
      throw input_error(shards[i].string(), "expected images with captions (KEY.jpg and KEY.txt …), got none");
  }
  unused.tell(query.images.string());
  left_out.finish(static_cast<std::int64_t>(samples.size()) + left_out.count(), "samples", kFewSamples);
  return samples;
}

}  // namespace fewstep
