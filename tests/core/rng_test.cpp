#include "core/rng.h"

#include "core/error.h"
#include "core/files.h"
#include "golden.h"
#include "temporary.h"

#include <ATen/Version.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace fewstep {
namespace {

std::string hash_of(const at::Tensor& t) {
  const at::Tensor c = t.contiguous();
  return sha256({static_cast<const char*>(c.const_data_ptr()), c.nbytes()});
}

// Torch's own normal numbers differ in their last bits between a processor with AVX2 and one without: eight ulps of a
// number of 1 to 2 bound that, and with AVX2 every bit is the same.
TEST(ImageRng, DrawsWhatTorchDrawsFromTheSameSeed) {
  const bool same_bits = at::get_cpu_capability() != "DEFAULT";
  const double bound = same_bits ? 0 : 8 * std::numeric_limits<float>::epsilon();
  for (const auto& golden : golden_json("samplers/streams.json")) {
    const std::vector<std::uint64_t> streams{golden["seed"].get<std::uint64_t>()};
    const Rng rng = image_rng(streams);
    for (int draw = 0; draw < 2; ++draw) {
      const at::Tensor noise = rng.normal({1, 4, 8, 8});
      for (int i = 0; i < 3; ++i) {
        EXPECT_NEAR(noise.flatten()[i].item<float>(), golden["first"][draw][i].get<float>(), bound) << golden["seed"];
      }
      if (!same_bits) continue;
      EXPECT_EQ(hash_of(noise), golden["sha256"][draw]) << golden["seed"] << "; remake with: make golden";
    }
  }
}

TEST(ImageRng, GivesAnImageTheSameNoiseInEveryBatch) {
  const std::vector<std::uint64_t> streams{7, 8, 9};
  const Rng together = image_rng(streams);
  const std::vector<at::Tensor> draws{together.normal({3, 4, 5, 3}), together.normal({3, 4, 5, 3})};
  for (int b = 0; b < 3; ++b) {
    const Rng alone = image_rng(std::vector{streams[b]});
    for (const at::Tensor& draw : draws) EXPECT_TRUE(at::equal(alone.normal({1, 4, 5, 3})[0], draw[b])) << b;
  }
  EXPECT_FALSE(at::equal(draws[0], draws[1]));
  EXPECT_FALSE(at::equal(draws[0][0], draws[0][1]));
}

TEST(ImageRng, IsStandardNormal) {
  const at::Tensor noise = image_rng(std::vector<std::uint64_t>{3}).normal({1, 4, 128, 128});
  EXPECT_NEAR(noise.mean().item<double>(), 0, 4.0 / 256);
  EXPECT_NEAR(noise.std().item<double>(), 1, 4.0 / 256 / 1.41);
}

TEST(ImageRng, RefusesAnotherBatchSize) {
  const Rng rng = image_rng(std::vector<std::uint64_t>{1, 2});
  EXPECT_FEWSTEP_ERROR(rng.normal({3, 4, 2, 2}), ExitCode::kInput, "expected a batch of 2, got the shape [3,4,2,2]");
}

TEST(StreamSeed, DiffersForEveryImageAndFitsIntoTorchsManualSeed) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (int row = 0; row < 100; ++row) {
      for (int index = 0; index < 5; ++index) seen.insert(stream_seed(seed, row, index));
    }
  }
  EXPECT_EQ(seen.size(), 5000);
  EXPECT_LT(*seen.rbegin(), std::uint64_t{1} << 63);
}

// Stored samples are keyed by these seeds: another value here would orphan every store.
TEST(StreamSeed, NeverChanges) {
  EXPECT_EQ(stream_seed(0, 0, 0), 1279368494785126216ULL);
  EXPECT_EQ(stream_seed(20231006, 4999, 2), 6857544839949834090ULL);
}

TEST(RecordedRng, ReplaysItsSlicesInOrderAndThenFails) {
  const at::Tensor noise = image_rng(std::vector<std::uint64_t>{5}).normal({1, 3, 2, 24}).reshape({3, 2, 4, 3, 2});
  const Rng rng = recorded_rng(noise);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(rng.normal({2, 4, 3, 2}), noise[i]));
  EXPECT_FEWSTEP_ERROR(rng.normal({2, 4, 3, 2}), ExitCode::kInput, "expected more than 3 recorded draws");
}

TEST(RecordedRng, RefusesAnotherShape) {
  EXPECT_FEWSTEP_ERROR(recorded_rng(at::zeros({1, 2, 4, 3, 2})).normal({1, 4, 3, 2}), ExitCode::kInput,
                       "expected draws of shape [1,4,3,2], got [2,4,3,2]");
  EXPECT_FEWSTEP_ERROR(recorded_rng(at::zeros({})).normal({1}), ExitCode::kInput, "recorded draws");
}

}  // namespace
}  // namespace fewstep
