#pragma once
#include "cli/command_line.h"

#include <ostream>
#include <string>
#include <vector>

namespace fewstep {

// parse_command_line of "fewstep" and these words.
inline Command parse_words(const std::vector<std::string>& words, std::ostream& out) {
  std::vector<const char*> argv{"fewstep"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data(), out);
}

// The words of a line as a shell splits them; quotes of either kind hold one together.
inline std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words;
  char quote = 0;
  bool open = false;
  for (const char c : line) {
    if (c == ' ' && quote == 0) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (c == quote)
      quote = 0;
    else if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else
      words.back() += c;
  }
  return words;
}

}  // namespace fewstep
