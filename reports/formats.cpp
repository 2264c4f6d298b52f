#include "reports/formats.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace fewstep {
namespace {

std::string known_endings(std::span<const Format> formats) {
  std::string text;
  for (auto format = formats.begin(); format != formats.end(); ++format)
    if (std::none_of(formats.begin(), format, [&](const Format& one) { return one.ending == format->ending; }))
      text += fmt::format("{}{}", text.empty() ? "" : " ", format->ending);
  return text;
}

}  // namespace

std::string_view format_of_file(const std::filesystem::path& file, std::string_view given,
                                std::span<const Format> formats) {
  const std::string ending = file.extension().string();
  if (ending.empty() && !given.empty()) return given;
  const auto found = std::ranges::find_if(formats, [&](const Format& format) {
    return ending == format.ending || ending == fmt::format(".{}", format.name);
  });
  if (found == formats.end())
    throw usage_error("-o " + file.string(),
                      fmt::format("expected a file that ends in {}, got {}", known_endings(formats),
                                  ending.empty() ? "no ending" : "\"" + ending + "\""));
  if (given.empty()) return found->name;
  const auto asked = std::ranges::find(formats, given, &Format::name);
  if (asked == formats.end() || asked->ending == found->ending) return given;
  throw usage_error("-o " + file.string(),
                    fmt::format("expected a file that ends in {} for --format {}, got \"{}\"; leave "
                                "--format out, and the ending decides",
                                asked->ending, given, ending));
}

}  // namespace fewstep
