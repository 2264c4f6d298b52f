#pragma once
#include "datasets/captions.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// The written name of the captions beside the images that fewstep makes: columns file, text, row, cell.
constexpr const char* kCaptionsFile = "captions.csv";

// Whether a comes before b: runs of digits by their number, "2.png" before "10.png"; else by bytes.
bool natural_less(std::string_view a, std::string_view b);

struct Pairing {
  std::vector<std::size_t> prompt;  // of each file, into the captions
  std::string text;                 // how they were paired, for people: "by the names in …"
};
// Which caption belongs to which image. By name where the captions name files: each image needs one, and each name an
// image. Else one by one in the natural order of the names, with a warning where that is not the order of their bytes,
// and where names carry no numbers. Throws Error (kInput) for other counts, missing and unknown names, one name with
// two captions, and names that carry no order at all (hashes). captions names the file in errors.
Pairing pair_with_captions(const std::filesystem::path& folder, std::span<const std::filesystem::path> files,
                           const PromptSet& set, const std::filesystem::path& captions);

// A row of kCaptionsFile.
struct CaptionRow {
  std::string file, text;
  std::int64_t row = 0;
  std::string cell;
};
// Writes kCaptionsFile into folder, whole or not at all.
void write_captions(const std::filesystem::path& folder, std::span<const CaptionRow> rows);

}  // namespace fewstep
