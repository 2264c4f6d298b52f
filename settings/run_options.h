#pragma once
#include "settings/requests.h"

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// An option of `fewstep run` that another command may have to give again: to merge, audit, gate and watch a run asks
// as it was asked. name is its key in a store's fact "request"; with '-' for '_' it is the option.
struct RunOption {
  std::string_view name;
  nlohmann::json (*get)(const RunOptions& from);  // null where it was not given
  void (*set)(RunOptions& to, const nlohmann::json& value);
};

namespace run_options {

template <auto Member>
constexpr RunOption option(std::string_view name) {
  return {name, [](const RunOptions& from) -> nlohmann::json { return from.*Member; },
          [](RunOptions& to, const nlohmann::json& value) { value.get_to(to.*Member); }};
}

}  // namespace run_options

inline constexpr std::array kRunOptions{
    run_options::option<&RunOptions::set>("set"),
    run_options::option<&RunOptions::only>("only"),
    RunOption{"limit",
              [](const RunOptions& from) -> nlohmann::json {
                return from.limit ? nlohmann::json(*from.limit) : nlohmann::json();
              },
              [](RunOptions& to, const nlohmann::json& value) { to.limit = value.get<std::int64_t>(); }},
    run_options::option<&RunOptions::device>("device"),
    run_options::option<&RunOptions::dtype>("dtype"),
    run_options::option<&RunOptions::metric_precision>("metric_precision"),
    run_options::option<&RunOptions::batch>("batch"),
    run_options::option<&RunOptions::no_sharing>("no_sharing")};

// As an object; what was not given is left out.
nlohmann::json run_options_json(const RunOptions& options);
// The way back; a key that is absent (of an older version) leaves the default. Throws nlohmann::json::exception for
// another type.
RunOptions read_run_options(const nlohmann::json& json);
// As words of a command line; defaults are left out.
std::vector<std::string> run_arguments(const RunOptions& options);

}  // namespace fewstep
