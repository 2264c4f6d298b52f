#pragma once
#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fewstep {

// A description for people: a line for each scalar, "a.b" for nested ones, a list of objects as a table.
std::string inspect_text(const nlohmann::ordered_json& description);

}  // namespace fewstep
