#pragma once
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A name in experiment files, on command lines and in stores: 1 to 100 ASCII letters, digits and "-_.+", the first no
// "-" and no ".".
inline constexpr std::string_view kPlainNames = "letters, digits, \"-\", \"_\", \".\", \"+\"";
inline constexpr std::size_t kLongestName = 100;
bool is_plain_name(std::string_view name);

// Text as a plain name: each other character becomes "-", what is too long is cut.
std::string as_plain_name(std::string_view text, std::size_t longest = kLongestName);

// The same, made unlike those that are taken by "-2", "-3" …; then it is taken, too.
std::string new_plain_name(std::string_view text, std::set<std::string>& taken);

// A plain name for each folder, from the last parts of their paths that differ: "runA" and "runB" of runA/unet and
// runB/unet; "LCM" of models--owner--LCM/snapshots/HASH, a cache of huggingface_hub.
std::vector<std::string> names_of_folders(std::span<const std::filesystem::path> folders);

}  // namespace fewstep
