#pragma once
#include "core/error.h"

#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A value of a TOML file and where it stands there ("file.toml:12:8"), for errors found later.
template <typename T>
struct Placed {
  T value;
  std::string where;
};

// "file:line:column" of a node; a value given by --set names that option instead.
std::string place_of(const toml::node& node, const std::string& file);

// One table of a TOML file, read strictly; the parsed file must outlive it. Every error is an Error (kUsage) with file,
// line and column.
class TomlTable {
 public:
  // Refuses a key that is not known, with the nearest known name. name: as errors call the table ("[grid]").
  TomlTable(const toml::table& table, std::string file, std::string name, const std::vector<std::string_view>& known);

  bool has(std::string_view key) const { return table_->contains(key); }
  std::string where() const { return place_of(*table_, file_); }
  std::string where(std::string_view key) const;  // of the key's value, or of the table when it is absent
  const std::string& file() const { return file_; }
  const std::string& name() const { return name_; }

  std::string text(std::string_view key) const;  // required, not empty
  std::optional<std::string> optional_text(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max,
                       std::optional<std::int64_t> fallback = {}) const;
  double number(std::string_view key, double min, double max) const;  // finite
  bool boolean(std::string_view key, bool fallback) const;

  // Lists: at least one element, at most 1,000, and none twice, or nothing where the key is absent. One value stands
  // for a list of it.
  std::optional<std::vector<Placed<std::int64_t>>> integers(std::string_view key, std::int64_t min,
                                                            std::int64_t max) const;
  std::optional<std::vector<Placed<double>>> numbers(std::string_view key, double min, double max) const;
  std::optional<std::vector<Placed<std::string>>> texts(std::string_view key) const;

  const toml::node* find(std::string_view key) const { return table_->get(key); }
  // The table [key], which must be there.
  TomlTable section(std::string_view key, const std::vector<std::string_view>& known) const;
  // A [[list of tables]]; empty where it is absent.
  std::vector<const toml::table*> tables(std::string_view key) const;

  [[noreturn]] void fail(const toml::node& node, const std::string& what) const;
  [[noreturn]] void expected(const toml::node& node, const std::string& what) const;  // "expected WHAT, got VALUE"
  const toml::node& require(std::string_view key, const std::string& what) const;
  // Fails at the first of keys that is there; "{}" in what stands for the key.
  void refuse(std::initializer_list<std::string_view> keys, std::string what) const;
  // Throws Error (kInput) where the path under a key leads nowhere.
  void expect_something_at(const std::filesystem::path& path, std::string_view key) const;

 private:
  // Empty where the key is absent.
  std::vector<const toml::node*> list(std::string_view key, const std::string& of) const;
  void refuse_long(const toml::array& array, std::string_view key) const;

  const toml::table* table_;
  std::string file_, name_;
};

// Parses a file; overrides are "key=value" with dotted keys. In a list of tables a key is the table's name or its
// number from 0 ("checkpoint.lcm.path=…"). A value that is no TOML is taken as text.
toml::table read_toml(const std::filesystem::path& file, const std::vector<std::string>& overrides);

}  // namespace fewstep
