#include "cli/help_text.h"

#include <set>

namespace fewstep {
namespace {

// Puts the names after "Needs:" or "Excludes:" into the alphabet's order.
void sort_names(std::string& text, const std::string& label, const std::set<CLI::Option*>& options) {
  std::string given, sorted;
  std::set<std::string> names;
  for (const CLI::Option* option : options) {
    given += " " + option->get_name();
    names.insert(option->get_name());
  }
  for (const std::string& name : names) sorted += " " + name;
  const auto at = text.find(" " + label + ":" + given);
  if (!given.empty() && at != std::string::npos) text.replace(at + label.size() + 2, given.size(), sorted);
}

}  // namespace

std::string HelpText::make_option_opts(const CLI::Option* option) const {
  std::string text = CLI::Formatter::make_option_opts(option);
  sort_names(text, get_label("Needs"), option->get_needs());
  sort_names(text, get_label("Excludes"), option->get_excludes());
  return text;
}

}  // namespace fewstep
