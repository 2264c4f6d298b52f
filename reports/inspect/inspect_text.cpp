#include "reports/inspect/inspect_text.h"

#include "core/grouped.h"
#include "reports/safe_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;

std::string value_text(const Json& value);

// Names as "F16, F32", sizes as "[320 × 640]".
std::string array_text(const Json& array) {
  std::vector<std::string> parts;
  for (const Json& element : array) parts.push_back(value_text(element));
  if (!array.empty() && array.front().is_string()) return fmt::format("{}", fmt::join(parts, ", "));
  return fmt::format("[{}]", fmt::join(parts, " × "));
}

std::string value_text(const Json& value) {
  if (value.is_string()) return one_line(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_null()) return "not said";
  if (value.is_number_integer()) return grouped(value.get<std::int64_t>());
  if (value.is_number()) return fmt::format("{:.6g}", value.get<double>());
  if (value.is_array()) return array_text(value);
  std::string text;
  for (const auto& [key, part] : value.items())
    text += (text.empty() ? "" : ", ") + one_line(key) + " " + value_text(part);
  return text.empty() ? "none" : text;
}

bool is_table(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

std::string table_text(const Json& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& [key, value] : rows.front().items()) lines[0].push_back(one_line(key));
  for (const Json& row : rows) {
    auto& line = lines.emplace_back();
    for (const auto& [key, value] : row.items()) line.push_back(value_text(value));
  }
  std::string text;
  for (const auto& line : lines) {
    text += " ";
    for (std::size_t column = 0; column < line.size(); ++column) {
      text += " " + line[column];
      if (column + 1 == line.size()) continue;
      int widest = 0;
      for (const auto& other : lines)
        if (column < other.size()) widest = std::max(widest, display_width(other[column]));
      text += std::string(static_cast<std::size_t>(widest - display_width(line[column]) + 1), ' ');
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string inspect_text(const Json& description) {
  int widest = 0;
  for (const auto& [key, value] : description.items())
    if (!is_table(value)) widest = std::max(widest, display_width(key));
  std::string text;
  for (const auto& [key, value] : description.items()) {
    if (is_table(value)) {
      text += key + "\n" + table_text(value);
    } else {
      text +=
          key + std::string(static_cast<std::size_t>(widest - display_width(key) + 2), ' ') + value_text(value) + "\n";
    }
  }
  return text;
}

}  // namespace fewstep
