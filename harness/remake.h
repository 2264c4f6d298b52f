#pragma once
#include "settings/cells.h"
#include "store/store.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace fewstep {

// A prompt's first image of a cell, which was not kept.
struct LostPicture {
  Cell cell;  // with the folder of its checkpoint
  SeriesKey series;
  std::int64_t series_id = 0, prompt_row = 0;
  std::string text;
};

// Makes pictures again, in batches of one cell, and keeps them beside the store in NAME.images/. Each is compared with
// what the store has of it (harness/made_again.h). Throws Error (kInput) where a checkpoint is gone or changed, and
// where a picture is not close to the stored one.
void remake_pictures(const std::filesystem::path& store, std::vector<LostPicture> pictures, const std::string& device,
                     std::ostream& messages);

}  // namespace fewstep
