#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <vector>

namespace fewstep {
namespace {

// Of CLI11's "TEXT:{a,b,c}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto begin = type.find('{'), end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

}  // namespace

std::string completion_script(const CLI::App& root, std::string_view shell) {
  std::vector<std::string> commands;
  std::string options, choices;
  for (const CLI::App* command : root.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
    std::vector<std::string> all;
    for (const CLI::Option* option : command->get_options()) {
      const auto names = names_of(*option), words = choices_of(*option);
      all.insert(all.end(), names.begin(), names.end());
      if (words.empty()) continue;
      for (const std::string& name : names)
        choices += fmt::format("    '{} {}') words='{}' ;;\n", command->get_name(), name, fmt::join(words, " "));
    }
    options += fmt::format("    {}) words='{}' ;;\n", command->get_name(), fmt::join(all, " "));
  }
  const std::string head = shell == "zsh" ? "#compdef fewstep\nautoload -U +X bashcompinit && bashcompinit\n" : "";
  return head + fmt::format(R"(_fewstep() {{
  local now="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}" words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{}' -- "$now"))
    return
  fi
  case "$command $before" in
{}  esac
  if [ -z "$words" ]; then
    case "$now" in
    -*) ;;
    *) return ;;
    esac
    case "$command" in
{}    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$now"))
}}
complete -o default -F _fewstep fewstep
)",
                            fmt::join(commands, " "), choices, options);
}

}  // namespace fewstep
