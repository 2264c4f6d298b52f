#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace fewstep {

struct PngSize {
  std::int64_t width = 0, height = 0;
};

// Nothing for what is no PNG, or one that ends too early. Decodes nothing.
std::optional<PngSize> png_size(std::string_view bytes);

}  // namespace fewstep
