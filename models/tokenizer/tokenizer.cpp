#include "models/tokenizer/tokenizer.h"

#include "models/tokenizer/byte_pair.h"
#include "models/tokenizer/caption_words.h"
#include "models/tokenizer/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace fewstep {
namespace {

// Texts to be cut out of a caption; the leftmost match wins, then the longest.
class Markers {
 public:
  void add(std::string text, std::int64_t id) {
    starts_[static_cast<unsigned char>(text.front())] = true;
    markers_.emplace_back(std::move(text), id);
    std::sort(markers_.begin(), markers_.end(),
              [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  }
  // Calls between(part) for the text between markers and marker(id) for each, in order.
  template <typename Between, typename Marker>
  void cut(std::string_view text, const Between& between, const Marker& marker) const {
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto* found = match(text.substr(at));
      if (!found) {
        ++at;
        continue;
      }
      if (at > start) between(text.substr(start, at - start));
      marker(found->second);
      at += found->first.size();
      start = at;
    }
    if (start < text.size()) between(text.substr(start));
  }

 private:
  const std::pair<std::string, std::int64_t>* match(std::string_view rest) const {
    if (!starts_[static_cast<unsigned char>(rest.front())]) return nullptr;
    for (const auto& marker : markers_) {
      if (rest.starts_with(marker.first)) return &marker;
    }
    return nullptr;
  }
  std::array<bool, 256> starts_{};
  std::vector<std::pair<std::string, std::int64_t>> markers_;
};

// Ids of words seen before; captions repeat few words. Safe to use from several threads.
class WordCache {
 public:
  template <typename Encode>
  void append(std::string_view word, std::vector<std::int64_t>& ids, const Encode& encode) {
    if (word.size() > kMaxWordBytes) return extend(ids, encode(word));
    const std::string key(word);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = words_.find(key); found != words_.end()) return extend(ids, found->second);
    }
    auto fresh = encode(word);
    extend(ids, fresh);
    const std::lock_guard lock(mutex_);
    if (words_.size() < kMaxWords) words_.emplace(key, std::move(fresh));
  }

 private:
  static constexpr std::size_t kMaxWordBytes = 64, kMaxWords = 65536;
  static void extend(std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& more) {
    ids.insert(ids.end(), more.begin(), more.end());
  }
  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<std::int64_t>> words_;
};

}  // namespace

struct Tokenizer::Tables {
  explicit Tables(const TokenizerFiles& files, const std::string& where)
      : encoder(files.vocabulary, files.merges, files.unknown_id, where),
        start_id(files.start_id),
        end_id(files.end_id),
        pad_id(files.pad_id),
        max_length(files.max_length) {
    for (const auto& token : files.added) {
      if (token.normalized) {
        normalized.add(normalize_caption(token.content), token.id);
      } else {
        raw.add(token.content, token.id);
      }
      add_vectors(token, files.added);
    }
  }
  void add_vectors(const AddedToken& first, const std::vector<AddedToken>& added) {
    std::string all = first.content;
    for (int i = 1;; ++i) {
      const std::string next = fmt::format("{}_{}", first.content, i);
      if (std::none_of(added.begin(), added.end(), [&](const AddedToken& token) { return token.content == next; }))
        break;
      all += " " + next;
    }
    if (all != first.content) vectors.push_back({first, all});
  }
  std::vector<std::int64_t> ids_of(std::string_view text) const;

  BytePairEncoder encoder;
  Markers raw, normalized;
  std::vector<std::pair<AddedToken, std::string>> vectors;  // the first token of several, and all of them
  std::int64_t start_id, end_id, pad_id, max_length;
  mutable WordCache cache;
};

std::vector<std::int64_t> Tokenizer::Tables::ids_of(std::string_view text) const {
  std::vector<std::int64_t> ids;
  const auto add = [&](std::int64_t id) { ids.push_back(id); };
  const auto add_words = [&](std::string_view part) {
    for (const auto word : split_words(part))
      cache.append(word, ids, [&](std::string_view w) { return encoder.encode(w); });
  };
  const auto add_normalized = [&](std::string_view part) { normalized.cut(normalize_caption(part), add_words, add); };
  raw.cut(text, add_normalized, add);
  return ids;
}

Tokenizer Tokenizer::open(const std::filesystem::path& folder, std::int64_t max_length) {
  Tokenizer tokenizer;
  tokenizer.tables_ = std::make_shared<const Tables>(read_tokenizer_files(folder, max_length), folder.string());
  return tokenizer;
}

std::string Tokenizer::with_all_vectors(std::string_view caption) const {
  std::string text(caption);
  if (tables_->vectors.empty()) return text;
  const std::vector<std::int64_t> ids = tokens(caption);
  for (const auto& [first, all] : tables_->vectors) {
    if (std::find(ids.begin(), ids.end(), first.id) == ids.end()) continue;
    for (std::size_t at = 0; (at = text.find(first.content, at)) != std::string::npos; at += all.size())
      text.replace(at, first.content.size(), all);
  }
  return text;
}

std::vector<std::int64_t> Tokenizer::tokens(std::string_view text) const { return tables_->ids_of(repair_utf8(text)); }

std::vector<std::int64_t> Tokenizer::encode(std::string_view text) const {
  const auto content = tokens(text);
  const auto length = static_cast<std::size_t>(max_length());
  const auto kept = std::min(content.size(), length - 2);
  std::vector<std::int64_t> ids{start_id()};
  ids.insert(ids.end(), content.begin(), content.begin() + static_cast<std::ptrdiff_t>(kept));
  ids.push_back(end_id());
  ids.resize(length, pad_id());
  return ids;
}

std::int64_t Tokenizer::max_length() const { return tables_->max_length; }
std::int64_t Tokenizer::start_id() const { return tables_->start_id; }
std::int64_t Tokenizer::end_id() const { return tables_->end_id; }
std::int64_t Tokenizer::pad_id() const { return tables_->pad_id; }

}  // namespace fewstep
