#include "core/shard.h"

#include "core/error.h"
#include "temporary.h"

#include <gtest/gtest.h>

#include <map>

namespace fewstep {
namespace {

std::optional<Launched> launched_with(const std::map<std::string, std::string>& variables) {
  return launched([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Shard, IsReadFromItsNumberAndHowMany) {
  EXPECT_EQ(parse_shard("1/1"), Shard{});
  EXPECT_EQ(parse_shard("2/3"), (Shard{2, 3}));
  EXPECT_EQ(text_of(parse_shard("3/3")), "3 of 3");
  for (const char* text : {"", "2", "/", "0/3", "4/3", "1/0", "-1/3", "1/3x", "a/b", "1/99999999999", " 1/3"})
    EXPECT_FEWSTEP_ERROR(parse_shard(text), ExitCode::kUsage, "expected I/N with I from 1 to N");
}

TEST(Shard, HasEveryBatchOnce) {
  for (std::int64_t batch = 0; batch < 20; ++batch) {
    int owners = 0;
    for (int index = 1; index <= 3; ++index) owners += Shard{index, 3}.has(batch);
    EXPECT_EQ(owners, 1) << batch;
  }
  EXPECT_TRUE(Shard{}.has(7));
}

TEST(Shard, HasAStoreWhoseNameLeadsBackToTheWhole) {
  const std::filesystem::path whole = "results/a.b.sqlite";
  EXPECT_EQ(shard_store(whole, {2, 13}), "results/a.b.2-of-13.sqlite");
  EXPECT_EQ(shard_store(whole, {}), whole);
  EXPECT_EQ(any_shard_store(whole, {2, 13}), "results/a.b.*-of-13.sqlite");
  EXPECT_EQ(whole_store("results/a.b.2-of-13.sqlite"), whole);
  for (const char* name :
       {"results/a.b.sqlite", "a.sqlite", "a.of.sqlite", "a.x-of-3.sqlite", "a.2-of-.sqlite", "-of-"})
    EXPECT_FALSE(whole_store(name)) << name;
}

TEST(Shard, IsWhatTheLauncherSays) {
  const auto torchrun = launched_with({{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"SLURM_PROCID", "0"}});
  ASSERT_TRUE(torchrun);
  EXPECT_EQ(torchrun->shard, (Shard{6, 8}));
  EXPECT_EQ(torchrun->local, 1);
  EXPECT_EQ(launched_with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})->shard, (Shard{1, 4}));
  EXPECT_EQ(launched_with({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}})->shard, (Shard{4, 4}));
  EXPECT_FALSE(launched_with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})->is_step) << "srun did not start it";
  EXPECT_TRUE(launched_with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_ID", "0"}})->is_step);
  EXPECT_TRUE(torchrun->is_step);
  EXPECT_EQ(launched_with({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}})->variables, "PMI_RANK and PMI_SIZE");
}

TEST(Shard, IsTheWholeWhereOneProcessRunsAlone) {
  EXPECT_FALSE(launched_with({}));
  EXPECT_FALSE(launched_with({{"RANK", "3"}}));
  EXPECT_FALSE(launched_with({{"RANK", ""}, {"WORLD_SIZE", "8"}})) << "set to nothing is not set";
  EXPECT_EQ(launched_with({{"RANK", "0"}, {"WORLD_SIZE", ""}, {"PMI_RANK", "1"}, {"PMI_SIZE", "2"}})->shard,
            (Shard{2, 2}));
  EXPECT_FALSE(launched_with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}}));
}

TEST(Shard, OfALauncherThatMakesNoSenseIsAnError) {
  EXPECT_FEWSTEP_ERROR(launched_with({{"RANK", "8"}, {"WORLD_SIZE", "8"}}), ExitCode::kUsage, "RANK and WORLD_SIZE");
  EXPECT_FEWSTEP_ERROR(launched_with({{"RANK", "one"}, {"WORLD_SIZE", "8"}}), ExitCode::kUsage, "--shard 1/1");
}

}  // namespace
}  // namespace fewstep
