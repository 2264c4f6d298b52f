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
  Cell cell;
  std::int64_t series_id = 0, prompt_row = 0;
  int images_per_prompt = 1;  // of the cell
};

// Makes pictures again at their places in batches of the size that the run used, so that they are bit-identical on the
// machine of the run, and keeps them in NAME.images/ beside the store; messages names both. A picture is close to what
// the store has of it (harness/generate/regenerated.h) where another machine made it: its file then has another name
// than its row's image_sha256. Throws Error (kInput) where a checkpoint is gone or changed, and for a picture that is
// not close.
void remake_pictures(const std::filesystem::path& store, std::vector<LostPicture> pictures, const std::string& device,
                     std::ostream& messages);

}  // namespace fewstep
