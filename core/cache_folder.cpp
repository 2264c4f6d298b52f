#include "core/cache_folder.h"

#include <cstdlib>

namespace fewstep {

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (std::getenv("FEWSTEP_CACHE")) return variable("FEWSTEP_CACHE");
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "fewstep";
  const auto home = variable("HOME");
  return home.empty() ? home : home / ".cache/fewstep";
}

}  // namespace fewstep
