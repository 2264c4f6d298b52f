#include "formats/json.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

constexpr std::uint64_t kMaxBytes = 100'000'000;
constexpr int kMaxDepth = 64;

// "[json.exception.parse_error.101] parse error at line 1, column 5: …" without the library's own prefix.
std::string reason(const nlohmann::json::exception& error) {
  std::string text = error.what();
  if (const auto end = text.find("] "); end != std::string::npos) text.erase(0, end + 2);
  const std::size_t shown = whole_characters(text, 300);
  return shown < text.size() ? text.substr(0, shown) + "…" : text;
}

// Python writes and reads NaN, Infinity and -Infinity, which JSON has not: null, and the largest double of either sign.
std::string without_python_numbers(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kNumbers[] = {{"NaN", "null"},
                                                                        {"Infinity", "1.7976931348623157e308"}};
  std::string plain;
  plain.reserve(text.size());
  bool in_string = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') in_string = !in_string;
    const auto number = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const auto& pair) {
      return !in_string && c == pair.first.front() && text.substr(at).starts_with(pair.first);
    });
    if (number != std::end(kNumbers)) {
      plain += number->second;
      at += number->first.size();
      continue;
    }
    const std::size_t taken = in_string && c == '\\' && at + 1 < text.size() ? 2 : 1;
    plain += text.substr(at, taken);
    at += taken;
  }
  return plain;
}

bool has_python_numbers(std::string_view text) {
  return text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos;
}

}  // namespace

nlohmann::json parse_json_object(std::string_view text, const std::string& where) {
  using json = nlohmann::json;
  std::string plain;
  if (has_python_numbers(text)) text = plain = without_python_numbers(text);
  // The library takes NUL for the end of the text, which would hide what follows it.
  if (text.find('\0') != std::string_view::npos) throw input_error(where, "expected JSON, got a NUL byte");
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (depth >= kMaxDepth) throw input_error(where, "expected JSON of at most 64 levels, got a deeper one");
    }
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        throw input_error(where, "expected every key once, got " + in_quotes(key) + " twice");
    }
    return true;
  };
  try {
    json value = json::parse(text.begin(), text.end(), check);
    if (!value.is_object()) throw input_error(where, std::string("expected a JSON object, got ") + value.type_name());
    return value;
  } catch (const json::exception& error) {
    throw input_error(where, "expected valid JSON: " + reason(error));
  }
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  return parse_json_object(read_file(path, kMaxBytes), path.string());
}

}  // namespace fewstep
