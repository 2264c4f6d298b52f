#include "settings/toml/text.h"

#include <nlohmann/json.hpp>

namespace fewstep {

// JSON's escapes are a part of TOML's.
std::string quoted_toml(const std::string& text) { return nlohmann::json(text).dump(); }

}  // namespace fewstep
