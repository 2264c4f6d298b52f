#pragma once
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A network's config.json, read strictly: every key is either used, or known to have no effect, or must have the one
// value that is supported. An unknown or unsupported one is refused by name. Throws Error (kInput).
class Config {
 public:
  static Config read(const std::filesystem::path& path);
  Config(nlohmann::json object, std::string where) : object_(std::move(object)), where_(std::move(where)) {}

  std::int64_t integer(const std::string& key, std::optional<std::int64_t> fallback = {});  // 1 … 1,000,000
  double number(const std::string& key, std::optional<double> fallback = {});
  bool boolean(const std::string& key, std::optional<bool> fallback = {});
  std::string text(const std::string& key, std::optional<std::string> fallback = {});
  std::vector<std::int64_t> integers(const std::string& key);
  // An object of names and numbers from 1 to 1,000,000; at most 64.
  std::map<std::string, std::int64_t> integers_by_name(const std::string& key);
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& allowed);
  // Absent or null: nothing.
  std::optional<std::int64_t> optional_integer(const std::string& key);
  std::optional<std::string> optional_text(const std::string& key, const std::string& when_absent);
  // A number for all n, or a list of n.
  std::vector<std::int64_t> integer_or_list(const std::string& key, std::size_t n, std::int64_t fallback);
  Config object(const std::string& key);  // a nested object; empty when absent
  bool has(const std::string& key) const { return object_.contains(key); }

  // The key is absent or has this value.
  void only(const std::string& key, const nlohmann::json& supported);
  // Keys without effect on inference, with spaces between them.
  void without_effect(std::string_view keys);
  // Every key was read; those beginning with "_" are notes of the writing library.
  void finish() const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* find(const std::string& key);
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const;
  nlohmann::json object_;
  std::string where_;
  std::set<std::string> read_;
};

}  // namespace fewstep
