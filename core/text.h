#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace fewstep {

// Text from a file as errors show it: in double quotes, control characters escaped, long text cut between characters.
std::string in_quotes(std::string_view text);

// ASCII letters in lower case; other bytes stay.
std::string lower(std::string_view text);
// ".tsv" of "captions.TSV"; empty where the name has none.
std::string extension_of(const std::filesystem::path& file);

// The largest length up to `bytes` that cuts no character of UTF-8.
std::size_t whole_characters(std::string_view text, std::size_t bytes);

}  // namespace fewstep
