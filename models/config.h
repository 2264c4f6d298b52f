#pragma once
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A configuration, read as its reference classes read it: the first class that knows a key gives its default, and a key
// that none knows is ignored, with one warning that lists all such. A key that one knows is either used, or has no
// effect, or must have a value that is supported, else it is refused by name. Without classes every key must be used.
// Throws Error (kInput).
class Config {
 public:
  using Classes = std::initializer_list<std::string_view>;
  static Config read(const std::filesystem::path& path, Classes classes = {});
  Config(nlohmann::json object, std::string where, Classes classes = {});

  std::int64_t integer(const std::string& key);  // 1 … 1,000,000
  double number(const std::string& key);
  bool boolean(const std::string& key);
  std::string text(const std::string& key);
  std::vector<std::int64_t> integers(const std::string& key);
  // An object of names and numbers from 1 to 1,000,000; at most 64.
  std::map<std::string, std::int64_t> integers_by_name(const std::string& key);
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& allowed);
  // Absent or null: nothing.
  std::optional<std::int64_t> optional_integer(const std::string& key);
  std::optional<std::string> optional_text(const std::string& key);
  // A number for all n, or a list of n.
  std::vector<std::int64_t> integer_or_list(const std::string& key, std::size_t n);
  bool has(const std::string& key);                        // and it is not null
  Config object(const std::string& key, Classes classes);  // a nested object; empty when absent

  // The key is absent, or has this value or a list of it. How to go on may follow the message.
  void only(const std::string& key, const nlohmann::json& supported, const std::string& remedy = "");
  // Keys without effect on inference, with spaces between them.
  void without_effect(std::string_view keys);
  // Every key was read or has its default; those beginning with "_" are notes of the writing library.
  void finish() const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* find(const std::string& key);
  [[noreturn]] void fail(const std::string& key, const std::string& expected, const std::string& remedy = "") const;
  nlohmann::json object_, defaults_;
  std::string where_;
  std::set<std::string> read_, ignored_;  // keys
};

}  // namespace fewstep
