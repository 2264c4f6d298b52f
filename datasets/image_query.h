#pragma once
#include "core/left_out.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace fewstep {

// Which images with captions are to be read.
struct ImageQuery {
  std::filesystem::path images = {};    // a folder, or .tar files of webdataset's layout: "data-{000..009}.tar"
  std::filesystem::path captions = {};  // of a folder alone: .jsonl .csv .tsv .parquet naming a file and a caption
  std::optional<std::string> file_column = {}, text_column = {};  // found by themselves where one fits; text of .json
  std::optional<std::int64_t> count = {};                         // the first N
  bool captions_needed = true;                                    // else a sample without one has an empty one
  double max_left_out = kMaxLeftOut;  // part of the samples that may have no image or no caption
};

}  // namespace fewstep
