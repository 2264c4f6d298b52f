// The tables that refuse a wrong name without LibTorch say what the registries say.
#include "settings/known_names.h"

#include "metrics/registry.h"
#include "samplers/registry.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

template <typename Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

TEST(KnownNames, OfSamplersAreTheRegistrys) {
  EXPECT_EQ(names_of(known_samplers()), names_of(samplers()));
  for (const Sampler& sampler : samplers())
    EXPECT_EQ(find_known_sampler(sampler.name, "").family, sampler.grid) << sampler.name;
}

TEST(KnownNames, OfMetricsAreTheRegistrys) {
  EXPECT_EQ(names_of(known_metrics()), names_of(metrics()));
  for (const Metric& metric : metrics()) {
    const KnownMetric& known = find_known_metric(metric.name, "");
    EXPECT_EQ(known.needs_reference, metric.needs_reference) << metric.name;
    // In order: the first is the default.
    EXPECT_THAT(known.protocols, testing::ElementsAreArray(metric.protocols)) << metric.name;
  }
}

// resolve() says which path a metric needs.
TEST(KnownNames, OfModelKeysAreTheRegistrys) {
  for (const KnownMetric& metric : known_metrics()) {
    MetricSettings settings;
    settings.name = metric.name;
    try {
      resolve(settings);
      ADD_FAILURE() << metric.name << " needs no network";
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("expected " + std::string(metric.model_key) + ", "));
    }
  }
}

}  // namespace
}  // namespace fewstep
