#include "models/tokenizer/tokenizer_files.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "core/warnings.h"
#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace fewstep {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::int64_t kMaxId = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxLength = 65536;
constexpr std::size_t kMaxAddedTokens = 1000;
constexpr const char* kStart = "<|startoftext|>";
constexpr const char* kEnd = "<|endoftext|>";
// The tokens come in the order in which Transformers adds them; a later one with the same content wins.
constexpr std::array kNamed{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

bool is_true(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::optional<json> read_if_present(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  return read_json_object(path);
}

void read_vocabulary(const json& object, const std::string& where, TokenizerFiles& files) {
  if (!object.is_object() || object.empty()) throw input_error(where, "expected an object of token to id");
  std::set<std::int64_t> ids;
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxId)) {
      throw input_error(where, "expected a whole number from 0 for token " + in_quotes(token) + ", got " +
                                   in_quotes(id.dump(-1, ' ', true, json::error_handler_t::replace)));
    }
    if (!ids.insert(id.get<std::int64_t>()).second) {
      throw input_error(where, fmt::format("expected every id once, got {} twice, the second time for token {}",
                                           id.get<std::int64_t>(), in_quotes(token)));
    }
    files.vocabulary.emplace(token, id.get<std::int64_t>());
  }
}

std::pair<std::string, std::string> split_merge(std::string_view line, const std::string& where) {
  const auto space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos) {
    throw input_error(where, "expected two tokens and a space between them, got " + in_quotes(line));
  }
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

void read_merges_text(const fs::path& path, TokenizerFiles& files) {
  const std::string text = read_file(path, 100'000'000);
  std::string_view rest = text;
  for (int number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("#version") || (line.empty() && rest.empty())) continue;
    files.merges.push_back(split_merge(line, fmt::format("{}: line {}", path.string(), number)));
  }
}

// tokenizer.json writes a merge as "a b" or, since tokenizers 0.20, as ["a", "b"].
void read_merges_json(const json& list, const std::string& where, TokenizerFiles& files) {
  if (!list.is_array()) throw input_error(where, "expected a list model.merges");
  for (const auto& merge : list) {
    const std::string place = fmt::format("{}: merge {}", where, files.merges.size() + 1);
    if (merge.is_string()) {
      files.merges.push_back(split_merge(merge.get_ref<const std::string&>(), place));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      files.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    } else {
      throw input_error(place, "expected two tokens");
    }
  }
}

AddedToken read_added(const json& object, const std::string& where) {
  const auto content = object.find("content");
  if (!object.is_object() || content == object.end() || !content->is_string() || content->get<std::string>().empty())
    throw input_error(where, "expected a token with its content");
  for (const char* flag : {"lstrip", "rstrip", "single_word"}) {
    if (is_true(object, flag)) throw input_error(where, std::string(flag) + " = true is not supported");
  }
  // Left out, it is false for special tokens, and all of these are special.
  return {content->get<std::string>(), is_true(object, "normalized")};
}

// The special tokens: name → value of the files, and the list of those that are cut out of captions.
struct SpecialTokens {
  std::map<std::string, AddedToken> named;
  std::vector<AddedToken> unnamed;            // additional_special_tokens
  std::map<std::int64_t, AddedToken> listed;  // by the id that their file gives
  std::string where;                          // the file that lists them
  bool lists(const std::string& content) const {
    return std::any_of(listed.begin(), listed.end(),
                       [&](const auto& token) { return token.second.content == content; });
  }
};

AddedToken read_named(const json& value, const std::string& where) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return {value.get<std::string>(), false};
  if (value.is_object()) return read_added(value, where);
  throw input_error(where, "expected a token, got " + std::string(value.type_name()));
}

void overrule(SpecialTokens& tokens, const json& object, const std::string& where) {
  for (const char* name : kNamed) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    tokens.named.erase(name);
    if (!found->is_null()) tokens.named.emplace(name, read_named(*found, where + ": " + name));
  }
  for (const char* name : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null() || found->empty()) continue;
    if (!found->is_array()) throw input_error(where, std::string("expected a list ") + name);
    for (const json& token : *found) tokens.unnamed.push_back(read_named(token, where + ": " + name));
  }
}

std::int64_t parse_id(const std::string& text, const std::string& where) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos)
    throw input_error(where, "expected an id, got " + in_quotes(text));
  return std::stoll(text);
}

bool is_id(const json& value) {
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMaxId);
}

bool is_special(const SpecialTokens& tokens, const std::string& content) {
  const auto same = [&](const AddedToken& token) { return token.content == content; };
  return std::any_of(tokens.named.begin(), tokens.named.end(), [&](const auto& named) { return same(named.second); }) ||
         std::any_of(tokens.unnamed.begin(), tokens.unnamed.end(), same);
}

SpecialTokens read_special_tokens(const fs::path& folder, const json& config, const std::optional<json>& whole) {
  SpecialTokens tokens;
  for (const char* name : {"unk_token", "eos_token", "pad_token"}) tokens.named[name] = {kEnd, false};
  tokens.named["bos_token"] = {kStart, false};
  const std::string where = (folder / "tokenizer_config.json").string();
  overrule(tokens, config, where);
  if (const auto decoder = config.find("added_tokens_decoder"); decoder != config.end()) {
    if (!decoder->is_object()) throw input_error(where, "expected an object added_tokens_decoder");
    for (const auto& [id, token] : decoder->items()) {
      const std::string place = where + ": added_tokens_decoder " + in_quotes(id);
      tokens.listed.emplace(parse_id(id, place), read_added(token, place));
    }
    tokens.where = where;
    return tokens;
  }
  if (const auto map = read_if_present(folder / "special_tokens_map.json"))
    overrule(tokens, *map, (folder / "special_tokens_map.json").string());
  if (const auto added = read_if_present(folder / "added_tokens.json")) {
    tokens.where = (folder / "added_tokens.json").string();
    for (const auto& [content, id] : added->items()) {
      if (content.empty() || !is_id(id))
        throw input_error(tokens.where, "expected an id for token " + in_quotes(content));
      tokens.listed.insert_or_assign(id.get<std::int64_t>(), AddedToken{content, !is_special(tokens, content)});
    }
  }
  if (whole && whole->contains("added_tokens")) {
    const std::string place = tokens.where = (folder / "tokenizer.json").string() + ": added_tokens";
    if (!(*whole)["added_tokens"].is_array()) throw input_error(place, "expected a list");
    for (const auto& token : (*whole)["added_tokens"]) {
      const AddedToken added = read_added(token, place);
      if (!token.contains("id") || !is_id(token["id"])) throw input_error(place, "expected an id");
      tokens.listed.insert_or_assign(token["id"].get<std::int64_t>(), added);
    }
  }
  return tokens;
}

// A learned embedding lies in the row that its token's id says, so another id is another embedding.
void tell_other_ids(const SpecialTokens& tokens, const std::vector<AddedToken>& added) {
  for (const auto& [id, listed] : tokens.listed) {
    const auto given = std::find_if(added.begin(), added.end(), [&text = listed.content](const AddedToken& token) {
      return token.content == text;
    });
    if (given == added.end() || given->id == id) continue;
    warn(tokens.where, fmt::format("says id {} for token {}; it is {}, as Transformers numbers it", id,
                                   in_quotes(listed.content), given->id));
  }
}

// A named token of the same content as a listed one takes its flags; what comes later wins.
std::vector<AddedToken> added_tokens(const SpecialTokens& tokens,
                                     const std::unordered_map<std::string, std::int64_t>& vocabulary) {
  std::vector<AddedToken> added;
  const auto same = [](const std::string& content) {
    return [&content](const AddedToken& token) { return token.content == content; };
  };
  for (const auto& [id, token] : tokens.listed) {
    std::erase_if(added, same(token.content));
    added.push_back(token);
  }
  const auto listed = added;
  for (const char* name : kNamed) {
    const auto token = tokens.named.find(name);
    if (token == tokens.named.end()) continue;
    if (std::any_of(listed.begin(), listed.end(), same(token->second.content))) continue;
    std::erase_if(added, same(token->second.content));
    added.push_back(token->second);
  }
  for (const AddedToken& token : tokens.unnamed)
    if (std::none_of(added.begin(), added.end(), same(token.content))) added.push_back(token);
  auto next = static_cast<std::int64_t>(vocabulary.size());
  for (AddedToken& token : added) {
    const auto known = vocabulary.find(token.content);
    token.id = known != vocabulary.end() ? known->second : next++;
  }
  tell_other_ids(tokens, added);
  return added;
}

// What would change the ids and is not done here is refused.
void check_config(const json& config, const std::string& where) {
  if (const auto found = config.find("tokenizer_class");
      found != config.end() && found->is_string() && *found != "CLIPTokenizer" && *found != "CLIPTokenizerFast") {
    throw input_error(where, "expected tokenizer_class CLIPTokenizer, got " + in_quotes(found->get<std::string>()));
  }
  for (const char* side : {"truncation_side", "padding_side"}) {
    if (const auto found = config.find(side); found != config.end() && *found != "right")
      throw input_error(where, std::string(side) + " other than right is not supported");
  }
  if (is_true(config, "split_special_tokens")) throw input_error(where, "split_special_tokens = true is not supported");
}

std::int64_t length_of(const json& config, const std::string& where) {
  const auto length = config.find("model_max_length");
  if (length == config.end() || !length->is_number_unsigned() || length->get<std::uint64_t>() < 3 ||
      length->get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxLength)) {
    throw input_error(where, fmt::format("expected model_max_length from 3 to {} (77 for CLIP), got {}", kMaxLength,
                                         (length == config.end() ? "none" : in_quotes(length->dump()))));
  }
  return length->get<std::int64_t>();
}

}  // namespace

std::vector<fs::path> tokenizer_files(const fs::path& folder) {
  std::error_code ignored;
  const auto is_there = [&](std::string_view name) { return fs::exists(folder / name, ignored); };
  const bool whole = is_there("tokenizer.json");
  const auto config = read_if_present(folder / "tokenizer_config.json");
  const bool decoder = config && config->contains("added_tokens_decoder");
  std::vector<fs::path> files;
  for (const std::string_view name : kTokenizerFiles) {
    const bool replaced = (whole && (name == "vocab.json" || name == "merges.txt")) ||
                          (decoder && (name == "special_tokens_map.json" || name == "added_tokens.json"));
    if (!replaced && is_there(name)) files.push_back(folder / name);
  }
  return files;
}

TokenizerFiles read_tokenizer_files(const fs::path& folder, std::int64_t max_length) {
  TokenizerFiles files;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) throw input_error(folder.string(), "expected a tokenizer folder, got none");
  const auto whole = read_if_present(folder / "tokenizer.json");
  if (whole) {
    const std::string where = (folder / "tokenizer.json").string();
    const auto model = whole->value("model", json::object());
    if (!model.is_object() || !model.contains("vocab") || !model.contains("merges"))
      throw input_error(where, "expected a model with vocab and merges");
    read_vocabulary(model["vocab"], where + ": model.vocab", files);
    read_merges_json(model["merges"], where, files);
  } else {
    read_vocabulary(read_json_object(folder / "vocab.json"), (folder / "vocab.json").string(), files);
    read_merges_text(folder / "merges.txt", files);
  }
  const fs::path config_file = folder / "tokenizer_config.json";
  const json config =
      max_length > 0 ? read_if_present(config_file).value_or(json::object()) : read_json_object(config_file);
  check_config(config, config_file.string());
  files.max_length = max_length > 0 ? max_length : length_of(config, config_file.string());
  const SpecialTokens tokens = read_special_tokens(folder, config, whole);
  files.added = added_tokens(tokens, files.vocabulary);
  if (files.added.size() > kMaxAddedTokens) throw input_error(folder.string(), "expected at most 1000 added tokens");
  const auto named = [&](const char* name) {
    const auto found = tokens.named.find(name);
    if (found == tokens.named.end())
      throw input_error(folder.string(), std::string("expected a ") + name + ", got none");
    const AddedToken& token = *std::find_if(files.added.begin(), files.added.end(), [&](const AddedToken& added) {
      return added.content == found->second.content;
    });
    if (!files.vocabulary.contains(token.content) && !tokens.lists(token.content))
      throw input_error(folder.string(),
                        "expected the special token " + in_quotes(token.content) + " in the vocabulary");
    return token.id;
  };
  files.start_id = named("bos_token");
  files.end_id = named("eos_token");
  files.pad_id = named("pad_token");
  files.unknown_id = named("unk_token");
  return files;
}

}  // namespace fewstep
