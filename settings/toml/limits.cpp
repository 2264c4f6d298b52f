#include "settings/toml/limits.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

constexpr int kMaxKeyParts = 32;

// The end of the string or comment that begins at i; i itself where none does.
std::size_t skip_text(std::string_view text, std::size_t i) {
  if (text[i] == '#') return std::min(text.find('\n', i), text.size());
  const char quote = text[i];
  if (quote != '"' && quote != '\'') return i;
  const std::string three(3, quote);
  const bool many_lines = text.substr(i, 3) == three;
  for (std::size_t k = i + (many_lines ? 3 : 1); k < text.size(); ++k) {
    if (quote == '"' && text[k] == '\\') {
      ++k;
    } else if (many_lines ? text.substr(k, 3) == three : text[k] == quote || text[k] == '\n') {
      return k + (many_lines ? 3 : 1);
    }
  }
  return text.size();
}

}  // namespace

void check_toml_limits(std::string_view text, const std::string& source) {
  int parts = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t after = skip_text(text, i);
    if (after != i) {
      i = after;
      continue;
    }
    if (std::string_view("=,[]{}/\n").find(text[i]) != std::string_view::npos) parts = 1;
    if (text[i] == '.' && ++parts > kMaxKeyParts) {
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n');
      throw usage_error(source.starts_with("--set") ? source : fmt::format("{}:{}", source, line),
                        fmt::format("expected keys of at most {} parts, got more", kMaxKeyParts));
    }
    ++i;
  }
}

}  // namespace fewstep
