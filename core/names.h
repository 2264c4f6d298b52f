#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The candidate with the smallest edit distance to name, or nothing where none is near (more than half its length off).
std::string nearest_name(std::string_view name, std::span<const std::string_view> candidates);
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// `unknown name "ddmi"; did you mean "ddim"? Known: …` for error messages.
std::string unknown_name(std::string_view name, std::span<const std::string_view> candidates);
std::string unknown_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace fewstep
