// Every fuzz target over its seeds, over what fuzzing found once, and over mutants of them.
#include "core/files.h"
#include "fuzz/targets.h"
#include "mutated.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fewstep {
namespace {

class Fuzz : public testing::TestWithParam<FuzzTarget> {};

TEST_P(Fuzz, SeedsAndTheirMutantsEndInAResultOrAnError) {
  const auto seeds = seeds_of(GetParam());
  ASSERT_FALSE(seeds.empty());
  const int mutants = std::getenv("FEWSTEP_TORTURE") ? 10'000 : 200;
  std::vector<std::string> bytes;
  for (const auto& seed : seeds) bytes.push_back(read_file(seed));
  for (const std::string& one : bytes) EXPECT_NO_THROW(run_target(GetParam(), one));
  Random random(20231006);
  for (int i = 0; i < mutants; ++i)
    EXPECT_NO_THROW(run_target(GetParam(), mutated(bytes[below(random, bytes.size())], random))) << "mutant " << i;
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn(fuzz_targets().begin(), fuzz_targets().end()),
                         [](const auto& test) {
                           std::string name(test.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fewstep
