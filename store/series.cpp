#include "store/series.h"

#include "core/error.h"
#include "core/files.h"
#include "store/database.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>

namespace fewstep {
namespace {

using nlohmann::json;

// Of the table checkpoint, and not of series.
bool is_of_checkpoint(const CellAxis& axis) { return axis.stored_name().starts_with("checkpoint_"); }

std::vector<const CellAxis*> columns() {
  std::vector<const CellAxis*> list;
  for (const CellAxis& axis : kCellAxes)
    if (axis.has(kFromFirst) && !is_of_checkpoint(axis)) list.push_back(&axis);
  return list;
}

json json_of(const CellValue& value) {
  return std::visit([](const auto& one) { return json(one); }, value);
}

// A value of the type that the axis has; nothing where the column has another.
CellValue value_at(const std::filesystem::path& path, SQLite::Statement& row, const CellAxis& axis) {
  const int column = row.getColumnIndex(std::string(axis.stored_name()).c_str());
  const CellValue type = axis.get(CellKey{});
  if (std::holds_alternative<std::string>(type)) return text_at(path, row, column);
  if (std::holds_alternative<double>(type)) return real_at(path, row, column);
  if (std::holds_alternative<std::uint64_t>(type)) return std::bit_cast<std::uint64_t>(integer_at(path, row, column));
  return std::int64_t{small_integer_at(path, row, column)};
}

// Nothing where the JSON is of another type, or out of the axis' range.
std::optional<CellValue> value_of(const json& value, const CellAxis& axis) {
  const CellValue type = axis.get(CellKey{});
  constexpr std::int64_t kMost = 1'000'000'000;
  if (std::holds_alternative<std::string>(type) && value.is_string()) return value.get<std::string>();
  if (std::holds_alternative<double>(type) && value.is_number()) return value.get<double>();
  if (std::holds_alternative<std::uint64_t>(type) && value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (std::holds_alternative<std::int64_t>(type) && value.is_number_unsigned() && value <= kMost)
    return value.get<std::int64_t>();
  return std::nullopt;
}

}  // namespace

std::string series_identity(const CellKey& key, std::span<const CellAxis> axes) {
  json identity = json::object();
  for (const CellAxis& axis : axes)
    if (axis.has(kIdentity) && (axis.has(kFromFirst) || !is_default(axis, key)))
      identity[std::string(axis.stored_name())] = json_of(axis.get(key));
  try {
    return sha256(identity.dump());
  } catch (const json::exception&) {
    throw input_error("series", "expected UTF-8 in the checkpoint's name and the negative prompt, got other bytes");
  }
}

std::string insert_series_sql() {
  std::string names = "identity, checkpoint_id", marks = "?, ?";
  for (const CellAxis* axis : columns()) {
    names += fmt::format(", {}", axis->stored_name());
    marks += ", ?";
  }
  return fmt::format("INSERT INTO series ({}, settings) VALUES ({}, ?)", names, marks);
}

void bind_series(SQLite::Statement& insert, const CellKey& key) {
  int index = 2;
  for (const CellAxis* axis : columns()) {
    ++index;
    const CellValue value = axis->get(key);
    if (const auto* text = std::get_if<std::string>(&value))
      insert.bind(index, *text);
    else if (const auto* real = std::get_if<double>(&value))
      insert.bind(index, *real);
    else if (const auto* bits = std::get_if<std::uint64_t>(&value))
      insert.bind(index, std::bit_cast<std::int64_t>(*bits));
    else
      insert.bind(index, std::get<std::int64_t>(value));
  }
  insert.bind(index + 1, series_settings(key));
}

std::string series_columns(int version) {
  std::string list = "k.sha256 AS checkpoint_sha256, k.kind AS checkpoint_kind";
  for (const CellAxis* axis : columns()) list += fmt::format(", s.{0} AS {0}", axis->stored_name());
  return list + (version < 7 ? ", '' AS settings" : ", s.settings AS settings");
}

CellKey series_at(const std::filesystem::path& path, SQLite::Statement& row) {
  CellKey key;
  for (const CellAxis& axis : kCellAxes)
    if (axis.has(kFromFirst)) axis.set(key, value_at(path, row, axis));
  read_series_settings(path, text_at(path, row, row.getColumnIndex("settings")), key);
  return key;
}

std::string series_settings(const CellKey& key, std::span<const CellAxis> axes) {
  json settings = json::object();
  for (const CellAxis& axis : axes)
    if (axis.has(kIdentity) && !axis.has(kFromFirst) && !is_default(axis, key))
      settings[std::string(axis.stored_name())] = json_of(axis.get(key));
  return settings.empty() ? "" : settings.dump();
}

void read_series_settings(const std::filesystem::path& path, const std::string& text, CellKey& key,
                          std::span<const CellAxis> axes) {
  if (text.empty()) return;
  const json settings = json::parse(text, nullptr, false);
  if (!settings.is_object())
    throw input_error(path.string(), "expected a cell's settings as JSON, got another text; the store is damaged");
  for (const auto& [name, value] : settings.items()) {
    const auto axis = std::ranges::find_if(axes, [&name = name](const CellAxis& one) {
      return one.has(kIdentity) && !one.has(kFromFirst) && one.stored_name() == name;
    });
    if (axis == axes.end())
      throw input_error(path.string(), "expected settings of cells that are known, got \"" + name.substr(0, 100) +
                                           "\"; a newer fewstep reads them");
    const auto read = value_of(value, *axis);
    if (!read)
      throw input_error(path.string(), fmt::format("expected a value of {} in a cell's settings, got {}; the store is "
                                                   "damaged",
                                                   name, value.dump().substr(0, 100)));
    axis->set(key, *read);
  }
}

}  // namespace fewstep
