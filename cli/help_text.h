#pragma once

// Help in one order: CLI11 lists what an option excludes or needs as the options lie in memory.

#include <CLI/CLI.hpp>

#include <string>

namespace fewstep {

class HelpText : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override;
};

}  // namespace fewstep
