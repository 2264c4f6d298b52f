#include "reports/flags.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

// In the order of FlagKind; {} is the flag's number.
constexpr std::array<std::string_view, kFlagWords.size()> kMeanings{
    "no more images than feature dimensions, so the covariance is singular and the value biased upward; its standard "
    "error is a jackknife's that leaves out groups of prompts",
    "the reference has no more images than feature dimensions, so its covariance is singular and the value biased "
    "upward",
    "fewer than 20 images a feature dimension: the value falls as images are added, by more than its standard error "
    "says; compare at equal N only",
    "not given: it needs at least {} reference images",
    "not given: it needs at least {} images",
    "the reference statistics do not name their protocol; it was taken on trust",
    "{} images could not be read and were left out",
    "{} reference images could not be read and were left out",
    "the mean is negative; torchmetrics gives 0 for it",
    "{} images were made again to measure this, by another batch, thread count or machine than the stored ones: they "
    "are equal up to rounding, not to the bit",
    "{} images were made in smaller parts than their batch, for the device had no memory for all of it: they equal "
    "those of another run up to rounding, not to the bit"};

}  // namespace

std::string explain_flag(const Flag& flag) {
  if (flag.kind == FlagKind::kUnknown) return flag.unknown;
  const auto i = static_cast<std::size_t>(flag.kind);
  const std::string text = fmt::format(fmt::runtime(kMeanings[i]), flag.n);
  if (text.starts_with("not given")) return text;
  const std::string_view word = kFlagWords[i];
  return std::string(word.substr(0, word.find(":*"))) + ": " + text;
}

}  // namespace fewstep
