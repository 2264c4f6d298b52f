#pragma once
#include "formats/dtype.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// One entry of a header: begin and end are byte offsets into the data that follows it.
struct SafetensorsEntry {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};
struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Parses the JSON text between the length and the data, and checks it against data_bytes, the bytes that follow:
// offsets contiguous from 0 to data_bytes, shape × dtype = span. Throws Error (kInput); where names the file.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes, const std::string& where);

}  // namespace fewstep
