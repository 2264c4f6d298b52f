#pragma once
#include <filesystem>
#include <ostream>
#include <span>
#include <string>

namespace fewstep {

// Scores and paired differences of the cells of stores that differ in their sampling seed alone, as Markdown. Returns
// what each prompt adds to each score, as CSV. Throws Error (kInput) where cells or prompts differ.
std::string paired_report(std::span<const std::filesystem::path> stores, std::ostream& out);

}  // namespace fewstep
