#pragma once
#include "settings/recipe.h"

#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// Reads and checks a recipe (experiments/recipes.md tells its keys); paths become absolute. overrides: "key=value" with
// dotted keys. Throws Error: kUsage with file, line, column and the nearest known name; kInput where a path leads
// nowhere.
Recipe read_recipe(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {});

}  // namespace fewstep
