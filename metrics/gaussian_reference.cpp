#include "metrics/feature_statistics.h"
#include "metrics/reference_kind.h"
#include "metrics/statistics_file.h"

#include <utility>

namespace fewstep {
namespace {

const Gaussian& gaussian(const ReferenceData& data) { return std::any_cast<const Gaussian&>(data); }

void add(std::any& gathered, std::span<const float> rows, std::int64_t width) {
  if (!gathered.has_value()) gathered = FeatureStatistics{};
  accumulate(std::any_cast<FeatureStatistics&>(gathered), rows, width);
}

ReferenceFile read(const std::filesystem::path& npz) {
  StatisticsFile file = read_statistics(npz);
  return {std::move(file.gaussian), std::move(file.protocol), std::move(file.network)};
}

}  // namespace

const ReferenceKind kGaussianReference{
    .add = add,
    .fit = [](const std::any& gathered) -> ReferenceData {
      return fit(gathered.has_value() ? std::any_cast<const FeatureStatistics&>(gathered) : FeatureStatistics{});
    },
    .count = [](const ReferenceData& data) { return gaussian(data).count; },
    .width = [](const ReferenceData& data) { return static_cast<std::int64_t>(gaussian(data).mean.size()); },
    .read = read,
    .write =
        [](const std::filesystem::path& npz, const ReferenceFile& file) {
          write_statistics(npz, {gaussian(file.data), file.protocol, file.network});
        },
};

}  // namespace fewstep
