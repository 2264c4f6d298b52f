#pragma once
#include <filesystem>

namespace fewstep {

// Where results are kept that another command may need again: $FEWSTEP_CACHE, else $XDG_CACHE_HOME/fewstep, else
// ~/.cache/fewstep. Empty where FEWSTEP_CACHE is set and empty, or no home is known: nothing is kept then.
std::filesystem::path cache_folder();

}  // namespace fewstep
