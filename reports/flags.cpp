#include "reports/flags.h"

#include <array>

namespace fewstep {
namespace {

// "{}" of a meaning is what stands for the star of its word.
struct Meaning {
  std::string_view before, after;  // of the star; a word without one has no after
  bool has_star;
  std::string_view text;
};
constexpr std::array<Meaning, 11> kMeanings{{
    {"rank-deficient", "", false,
     "no more images than feature dimensions, so the covariance is singular and the value biased upward; its standard "
     "error is a jackknife's that leaves out groups of prompts"},
    {"reference-rank-deficient", "", false,
     "the reference has no more images than feature dimensions, so its covariance is singular and the value biased "
     "upward"},
    {"biased-upward", "", false,
     "fewer than 20 images a feature dimension: the value falls as images are added, by more than its standard error "
     "says; compare at equal N only"},
    {"needs-", "-reference-images", true, "not given: it needs at least {} reference images"},
    {"needs-", "-images", true, "not given: it needs at least {} images"},
    {"assumed-protocol", "", false, "the reference statistics do not name their protocol; it was taken on trust"},
    {"skipped-images:", "", true, "{} images could not be read and were left out"},
    {"skipped-reference-images:", "", true, "{} reference images could not be read and were left out"},
    {"clamped-at-0", "", false, "the mean is negative; torchmetrics gives 0 for it"},
    {"recomputed:", "", true,
     "{} images were made again to measure this, by another batch, thread count or machine than the stored ones: they "
     "are equal up to rounding, not to the bit"},
    {"batch-in-parts:", "", true,
     "{} images were made in smaller parts than their batch, for the device had no memory for all of it: they equal "
     "those of another run up to rounding, not to the bit"},
}};

}  // namespace

std::string explain_flag(std::string_view flag) {
  for (const auto& [before, after, has_star, text] : kMeanings) {
    if (!has_star && flag == before) return std::string(flag) + ": " + std::string(text);
    if (!has_star || flag.size() <= before.size() + after.size() || !flag.starts_with(before) || !flag.ends_with(after))
      continue;
    const std::string_view star = flag.substr(before.size(), flag.size() - before.size() - after.size());
    const std::string word(before.substr(0, before.find_last_not_of(":-") + 1));
    std::string result = (text.starts_with("not given") ? "" : word + ": ") + std::string(text);
    return result.replace(result.find("{}"), 2, star);
  }
  return std::string(flag);
}

}  // namespace fewstep
