#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fewstep {

// How much worse a number may be: in its unit, or as a part of the baseline's value.
struct Size {
  double value = 0;
  bool relative = false;
  double of(double baseline) const;
};
std::string text_of(const Size& size);  // "0.2", "3 %"

// Milliseconds per image, where margins and results name metrics.
inline constexpr std::string_view kLatency = "latency";

// That of the catalog; 5 % for latency, and 3 % for names that the catalog lacks.
Size default_margin(std::string_view metric);
// "3 % of FID", "0.2 of CLIP score".
std::string margin_text(const Size& size, std::string_view title);

// Fewer prompts have no standard error that a verdict may rest on.
inline constexpr std::int64_t kLeastPrompts = 25;

}  // namespace fewstep
