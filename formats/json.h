#pragma once
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace fewstep {

// A JSON object from text or from a file of at most 100 MB: valid UTF-8, no key twice, at most 64 levels deep. What
// Python adds to JSON is read: NaN as null, ±Infinity as the largest double. Throws Error (kInput) naming the file,
// line and column.
nlohmann::json parse_json_object(std::string_view text, const std::string& where);
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace fewstep
