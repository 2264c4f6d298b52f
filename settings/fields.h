#pragma once
#include "core/names.h"
#include "settings/toml/table.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fewstep {

// A key of a TOML file is one row: it reads, bounds, defaults, hashes and documents the key. The struct that the row
// fills holds the default.

// The file that settings come from. Paths are relative to it; where each of them stands is kept for errors found later.
struct SettingsFile {
  std::filesystem::path file;
  std::map<std::filesystem::path, std::string> places = {};
  // Absolute, without a trailing slash. Throws Error (kUsage) for a NUL byte.
  std::filesystem::path path(const std::string& text, const std::string& where);
};

enum class FieldKind { kInteger, kNumber, kBoolean, kText, kPath, kChoice, kIntegers, kChoices, kCustom };

template <typename T>
struct Field {
  std::string_view key;
  FieldKind kind;
  std::string_view meaning;  // in a JSON Schema
  std::int64_t least = 0, most = 0;
  double low = 0, high = 0;
  std::span<const std::string_view> names = {};  // of choices
  std::string_view schema = {};                  // JSON Schema of a custom value
  bool is_required = false, is_hashed = true, must_exist = false;
  bool is_later = false;  // hashed off its default alone: files from before the key keep their hash
  void (*read)(const Field& field, const TomlTable& table, T& to, SettingsFile& file) = nullptr;
  nlohmann::json (*write)(const T& from) = nullptr;

  constexpr Field required() const {
    Field copy = *this;
    copy.is_required = true;
    return copy;
  }
  constexpr Field not_hashed() const {
    Field copy = *this;
    copy.is_hashed = false;
    return copy;
  }
  constexpr Field later() const {
    Field copy = *this;
    copy.is_later = true;
    return copy;
  }
  constexpr Field existing() const {  // a path that leads to something
    Field copy = *this;
    copy.must_exist = true;
    return copy;
  }
};

namespace fields {

template <typename Pointer>
struct MemberOf;
template <typename Owner, typename Value>
struct MemberOf<Value Owner::*> {
  using Type = Owner;
};

// A member, or a member of a member: fields::integer<&Recipe::train, &OptimizerSettings::steps>.
template <auto First, auto... Rest>
struct Member {
  using Owner = typename MemberOf<decltype(First)>::Type;
  static auto& in(Owner& owner) { return ((owner.*First).*....*Rest); }
  static const auto& in(const Owner& owner) { return ((owner.*First).*....*Rest); }
  using Value = std::remove_cvref_t<decltype(in(std::declval<Owner&>()))>;
};

template <typename Value>
struct Plain {  // what an optional, or a list, holds
  using Type = Value;
};
template <typename Value>
struct Plain<std::optional<Value>> {
  using Type = Value;
};
template <typename Value>
struct Plain<std::vector<Value>> {
  using Type = Value;
};

// Reads the value of a row where its key is given. Throws the error of a missing key where the row says that it is
// required.
template <typename At>
void read_value(const Field<typename At::Owner>& field, const TomlTable& table, typename At::Owner& to,
                SettingsFile& file) {
  using Value = typename Plain<typename At::Value>::Type;
  const auto& [key, kind] = std::pair(field.key, field.kind);
  auto& value = At::in(to);
  const char* shown = kind == FieldKind::kInteger  ? "a whole number"
                      : kind == FieldKind::kNumber ? "a number"
                                                   : "\"…\"";
  if (field.is_required) table.require(key, shown);
  if (!table.has(key)) return;
  if constexpr (requires { value.push_back({}); } && !std::is_same_v<Value, std::string>) {
    value.clear();
    if constexpr (std::is_enum_v<Value>) {
      const auto given = table.texts(key);
      for (const auto& [name, where] : *given) value.push_back(parse_name<Value>(field.names, name, where));
    } else {
      const auto given = table.integers(key, field.least, field.most);
      for (const auto& one : *given) value.push_back(static_cast<Value>(one.value));
    }
  } else if constexpr (std::is_enum_v<Value>) {
    value = parse_name<Value>(field.names, table.text(key), table.where(key));
  } else if constexpr (std::is_same_v<Value, std::filesystem::path>) {
    const auto path = file.path(table.text(key), table.where(key));
    if (field.must_exist) table.expect_something_at(path, key);
    value = path;
  } else if constexpr (std::is_same_v<Value, std::string>) {  // what is required must not be empty
    value = field.is_required ? table.text(key) : *table.optional_text(key);
  } else if constexpr (std::is_same_v<Value, bool>) {
    value = table.boolean(key, false);
  } else if constexpr (std::is_floating_point_v<Value>) {
    value = table.number(key, field.low, field.high);
  } else {
    value = static_cast<Value>(table.integer(key, field.least, field.most));
  }
}

// The value as JSON; null for an optional one that is not there.
template <typename Value>
nlohmann::json as_json(const Value& value) {
  if constexpr (requires { value.has_value(); }) {
    return value ? as_json(*value) : nlohmann::json();
  } else if constexpr (std::is_enum_v<Value>) {
    return name_of(value);
  } else if constexpr (std::is_same_v<Value, std::filesystem::path>) {
    return value.string();
  } else if constexpr (requires { requires std::is_enum_v<typename Value::value_type>; }) {
    auto list = nlohmann::json::array();
    for (const auto one : value) list.push_back(name_of(one));
    return list;
  } else {
    return value;
  }
}

template <auto... Members>
constexpr auto field(std::string_view key, FieldKind kind, std::string_view meaning) {
  using At = Member<Members...>;
  return Field<typename At::Owner>{.key = key,
                                   .kind = kind,
                                   .meaning = meaning,
                                   .read = read_value<At>,
                                   .write = [](const typename At::Owner& from) { return as_json(At::in(from)); }};
}

template <auto... Members>
constexpr auto integer(std::string_view key, std::int64_t least, std::int64_t most, std::string_view meaning) {
  auto row = field<Members...>(key, FieldKind::kInteger, meaning);
  row.least = least, row.most = most;
  return row;
}
template <auto... Members>
constexpr auto integers(std::string_view key, std::int64_t least, std::int64_t most, std::string_view meaning) {
  auto row = integer<Members...>(key, least, most, meaning);
  row.kind = FieldKind::kIntegers;
  return row;
}
template <auto... Members>
constexpr auto number(std::string_view key, double low, double high, std::string_view meaning) {
  auto row = field<Members...>(key, FieldKind::kNumber, meaning);
  row.low = low, row.high = high;
  return row;
}
template <auto... Members>
constexpr auto boolean(std::string_view key, std::string_view meaning) {
  return field<Members...>(key, FieldKind::kBoolean, meaning);
}
template <auto... Members>
constexpr auto text(std::string_view key, std::string_view meaning) {
  return field<Members...>(key, FieldKind::kText, meaning);
}
template <auto... Members>
constexpr auto path(std::string_view key, std::string_view meaning) {
  return field<Members...>(key, FieldKind::kPath, meaning);
}
// An enum whose enumerators stand in the order of its names.
template <auto... Members>
constexpr auto choice(std::string_view key, std::span<const std::string_view> names, std::string_view meaning) {
  auto row = field<Members...>(key, FieldKind::kChoice, meaning);
  row.names = names;
  return row;
}
template <auto... Members>
constexpr auto choices(std::string_view key, std::span<const std::string_view> names, std::string_view meaning) {
  auto row = choice<Members...>(key, names, meaning);
  row.kind = FieldKind::kChoices;
  return row;
}

// A value of a shape of its own; schema: its JSON Schema, or empty for one that other rows document.
template <typename T>
constexpr Field<T> custom(std::string_view key, std::string_view schema, std::string_view meaning,
                          void (*read)(const Field<T>&, const TomlTable&, T&, SettingsFile&),
                          nlohmann::json (*write)(const T&)) {
  return {.key = key, .kind = FieldKind::kCustom, .meaning = meaning, .schema = schema, .read = read, .write = write};
}

template <typename T, std::size_t... Sizes>
constexpr auto joined(const std::array<Field<T>, Sizes>&... parts) {
  std::array<Field<T>, (Sizes + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const auto& field : part) all[at++] = field;
  };
  (append(parts), ...);
  return all;
}

// The keys of some lists of rows.
template <typename... Rows>
std::vector<std::string_view> keys(const Rows&... rows) {
  std::vector<std::string_view> all;
  const auto append = [&](const auto& list) {
    for (const auto& row : list) all.push_back(row.key);
  };
  (append(rows), ...);
  return all;
}

template <typename Owner>
bool is_in_hash(const Field<Owner>& row, const std::type_identity_t<Owner>& from) {
  return row.is_hashed && !(row.is_later && row.write(from) == row.write(Owner{}));
}

// Fills `to` and returns the record that names these settings: every hashed value under its key; a path as it stands in
// the file, and only where it is given.
template <typename Rows, typename T>
nlohmann::json read(const TomlTable& table, const Rows& rows, T& to, SettingsFile& file) {
  nlohmann::json record = nlohmann::json::object();
  for (const auto& row : rows) {
    row.read(row, table, to, file);
    if (!is_in_hash(row, to)) continue;
    if (row.kind != FieldKind::kPath)
      record[std::string(row.key)] = row.write(to);
    else if (table.has(row.key))
      record[std::string(row.key)] = table.text(row.key);
  }
  return record;
}

// The same record of what is read already, with absolute paths.
template <typename Rows, typename T>
nlohmann::json values(const Rows& rows, const T& from) {
  nlohmann::json record = nlohmann::json::object();
  for (const auto& row : rows)
    if (is_in_hash(row, from)) record[std::string(row.key)] = row.write(from);
  return record;
}

}  // namespace fields
}  // namespace fewstep
