#pragma once
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace fewstep {

// What bash or zsh evaluates to complete commands, options and choices; file names elsewhere.
std::string completion_script(const CLI::App& root, std::string_view shell);

}  // namespace fewstep
