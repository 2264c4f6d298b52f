#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include "datasets/image_query.h"

namespace fewstep {

// One image of a .tar with its caption. Names follow webdataset: what stands before the first dot of the last part
// names the sample, the rest says what the entry is.
struct WebSample {
  std::size_t shard = 0;  // of the shards given
  std::string name;       // of the image's entry
  std::uint64_t offset = 0, size = 0;
  std::string caption;
};

// "data-{000..009}.tar" → ten paths, from all ranges in it; a path without a range, or of a file that is there, is
// itself. Throws Error (kUsage) for a range that is none, or of more than 100,000.
std::vector<std::filesystem::path> expand_shards(const std::filesystem::path& pattern);

// The samples of all shards in the order of their first entries, up to the end of the shard that holds number count.
// KEY.jpg .jpeg .png .webp .bmp .tif .tiff is the image; KEY.txt, .text or .caption the caption, or else KEY.json with
// "caption", "text" or "prompt"; with key, KEY.json with that key alone. KEY ends at the last dot; A.B.png is a side
// part where A.png is there. Other entries are counted in a warning by their endings; samples without an image or,
// where captions are needed, without a caption are left out. Throws Error (kInput), naming shard and entry, where too
// many are, for two images of one key, no samples at all, and whatever index_tar refuses.
std::vector<WebSample> read_web_samples(const std::vector<std::filesystem::path>& shards, const ImageQuery& query);

}  // namespace fewstep
