#include "settings/cells.h"
#include "experiment_files.h"
#include "samplers/catalog.h"

#include <gmock/gmock.h>

#include <set>

namespace fewstep {
namespace {

using testing::ElementsAre;

class Cells : public ExperimentFolder {
 protected:
  static std::vector<std::string> labels(const std::vector<Cell>& cells) {
    std::vector<std::string> labels;
    for (const Cell& cell : cells) labels.push_back(cell_label(cell.key));
    return labels;
  }
};

TEST_F(Cells, AreTheProductOfTheAxes) {
  const auto cells = expand(read(kWhole));
  EXPECT_EQ(cells.size(), 3U * 4 + 2 + 4 + 4);
  EXPECT_EQ(std::set<Cell>(cells.begin(), cells.end()).size(), cells.size());
}

TEST_F(Cells, FollowCheckpointSamplerSpacingOriginalGuidanceSteps) {
  std::string text = edited(kWhole, "[\"trailing\"]", "[\"leading\", \"lcm\", \"trailing\", \"lcm-original\"]");
  text = edited(text, "omega = [8.0]", "omega = [8.0, 3.0]");
  text = edited(text, "[50]", "[50, 20]");
  text = edited(text, "[1, 2, 4, 8]", "[8, 1]");  // the file's order, not sorted
  const auto cells = labels(expand(read(edited(text, "\"ddim\", \"dpm\", \"dpm++\"", "\"dpm\", \"ddim\""))));
  ASSERT_EQ(cells.size(), 2U * 2 * 2 * 2 + 4 + 2 * 2 * 2 * 2 + 4);
  EXPECT_THAT(std::vector(cells.begin(), cells.begin() + 9),
              ElementsAre("checkpoint=sd21-base sampler=dpm steps=8 omega=8 spacing=leading",
                          "checkpoint=sd21-base sampler=dpm steps=1 omega=8 spacing=leading",
                          "checkpoint=sd21-base sampler=dpm steps=8 omega=3 spacing=leading",
                          "checkpoint=sd21-base sampler=dpm steps=1 omega=3 spacing=leading",
                          "checkpoint=sd21-base sampler=dpm steps=8 omega=8",
                          "checkpoint=sd21-base sampler=dpm steps=1 omega=8",
                          "checkpoint=sd21-base sampler=dpm steps=8 omega=3",
                          "checkpoint=sd21-base sampler=dpm steps=1 omega=3",
                          "checkpoint=sd21-base sampler=ddim steps=8 omega=8 spacing=leading"));
  EXPECT_THAT(std::vector(cells.begin() + 16, cells.begin() + 20),
              ElementsAre("checkpoint=sd21-25 sampler=dpm++ steps=25 guidance_scale=7.5 spacing=leading",
                          "checkpoint=sd21-25 sampler=dpm++ steps=50 guidance_scale=7.5 spacing=leading",
                          "checkpoint=sd21-25 sampler=dpm++ steps=25 guidance_scale=7.5",
                          "checkpoint=sd21-25 sampler=dpm++ steps=50 guidance_scale=7.5"));
  EXPECT_THAT(std::vector(cells.begin() + 20, cells.begin() + 29),
              ElementsAre("checkpoint=lcm sampler=lcm steps=8 omega=8", "checkpoint=lcm sampler=lcm steps=1 omega=8",
                          "checkpoint=lcm sampler=lcm steps=8 omega=3", "checkpoint=lcm sampler=lcm steps=1 omega=3",
                          "checkpoint=lcm sampler=lcm steps=8 omega=8 original_inference_steps=20",
                          "checkpoint=lcm sampler=lcm steps=1 omega=8 original_inference_steps=20",
                          "checkpoint=lcm sampler=lcm steps=8 omega=3 original_inference_steps=20",
                          "checkpoint=lcm sampler=lcm steps=1 omega=3 original_inference_steps=20",
                          "checkpoint=lcm sampler=lcm steps=8 omega=8 spacing=lcm-original"));
  EXPECT_EQ(cells.back(), "checkpoint=guided-distill sampler=guided-distill steps=1 omega=3");
}

TEST_F(Cells, KnowWhatTheirSamplerTakes) {
  const auto cells = expand(read(edited(kWhole, "final_sigma = \"zero\"", "final_sigma = \"min\"")));
  EXPECT_EQ(cells[0].key.spacing, "trailing");
  EXPECT_EQ(cells[0].key.final_sigma, "min");
  EXPECT_EQ(cells[0].key.original_inference_steps, 0);
  EXPECT_EQ(cells[14].key.sampler, "lcm");  // which ends at x0 whatever the grid says
  EXPECT_EQ(cells[14].key.spacing, "lcm");
  EXPECT_EQ(cells[14].key.final_sigma, "zero");
  EXPECT_EQ(cells[14].key.original_inference_steps, 50);
  EXPECT_EQ(cells[18].checkpoint.folder, at("gd-1"));
  EXPECT_EQ(cells[21].checkpoint.folder, at("gd-8"));
  EXPECT_EQ(cells[18].key.spacing, "trailing");
  EXPECT_EQ(cells[18].key.original_inference_steps, 0);
}

TEST_F(Cells, HaveTheGridOfTheirSampler) {
  const auto cells = expand(read(edited(kWhole, "[\"trailing\"]", "[\"leading\"]"), {"grid.final_sigma=min"}));
  CheckpointInfo info;
  info.steps_offset = 3;
  const GridOptions ddim = grid_of(cells[0].key, info), dpm = grid_of(cells[5].key, info),
                    lcm = grid_of(cells[14].key, info);
  EXPECT_EQ(ddim, (GridOptions{.steps = 1,
                               .grid = {Spacing::kLeading},
                               .final_sigma = FinalSigma::kMin,
                               .family = GridFamily::kDdim,
                               .steps_offset = 3}));
  EXPECT_EQ(dpm, (GridOptions{.steps = 2,
                              .grid = {Spacing::kLeading},
                              .final_sigma = FinalSigma::kMin,
                              .family = GridFamily::kDpm,
                              .steps_offset = 3}));
  EXPECT_EQ(lcm, (GridOptions{.steps = 1, .grid = {Spacing::kLcm, 50}, .steps_offset = 3}));
}

TEST_F(Cells, AreSelectedByClauses) {
  const auto cells = expand(read(kWhole));
  EXPECT_EQ(select(cells, ""), cells);
  EXPECT_EQ(select(cells, "  "), cells);
  EXPECT_THAT(labels(select(cells, "sampler=lcm steps=4")), ElementsAre("checkpoint=lcm sampler=lcm steps=4 omega=8"));
  EXPECT_THAT(labels(select(cells, "steps=8,25 sampler=dpm++,lcm")),
              ElementsAre("checkpoint=sd21-base sampler=dpm++ steps=8 omega=8",
                          "checkpoint=sd21-25 sampler=dpm++ steps=25 guidance_scale=7.5",
                          "checkpoint=lcm sampler=lcm steps=8 omega=8"));
  EXPECT_EQ(select(cells, "checkpoint=sd21-25").size(), 2U);
  EXPECT_EQ(select(cells, "omega=6.5").size(), 2U);  // the same knob
  EXPECT_EQ(select(cells, "guidance_scale=9").size(), 20U);
  EXPECT_EQ(select(cells, "original_inference_steps=50").size(), 4U);
  EXPECT_EQ(select(cells, "spacing=lcm").size(), 4U);
  EXPECT_EQ(select(cells, "final_sigma=zero").size(), 22U);
  EXPECT_EQ(select(cells, "steps=4.0").size(), 5U);
}

TEST_F(Cells, AreSelectedByTheWordsOfTheirLabels) {
  const auto cells =
      expand(read(edited(edited(kWhole, "[8.0]", "[0.1, 0.123456789, 998.123456789]"), "[7.5]", "[0.1]")));
  for (const Cell& cell : cells)
    EXPECT_THAT(select(cells, cell_label(cell.key)), ElementsAre(cell)) << cell_label(cell.key);
}

TEST_F(Cells, AreNotSelectedByBadClauses) {
  const auto cells = expand(read(kWhole));
  const auto refuses = [&](const std::string& only, const std::string& message) {
    EXPECT_FEWSTEP_ERROR(select(cells, only), ExitCode::kUsage, "[--only] " + message);
  };
  refuses("lcm", "expected clauses such as sampler=lcm steps=4,8, got \"lcm\"");
  refuses("sampler=", "expected clauses such as");
  refuses("sampler = lcm", "expected clauses such as");
  refuses("=lcm", "unknown name \"\"");
  refuses("step=4", "unknown name \"step\"; did you mean \"steps\"?");
  refuses("steps=four", "expected a number, got \"four\"");
  refuses("steps=4x", "expected a number, got \"4x\"");
  refuses("steps=1,2,4,8,25,50,x", "expected a number, got \"x\"");  // also where no cell is left for it
  refuses("steps=4,,8", "expected a number, got \"\"");
  refuses("steps=3", "expected clauses that leave a cell, got \"steps=3\"; --dry-run lists the cells");
  refuses("sampler=lcm sampler=ddim", "expected clauses that leave a cell");
  refuses("sampler=lmc", "sampler=: unknown name \"lmc\"; did you mean \"lcm\"?");
  refuses("sampler=lcm,dmp", "sampler=: unknown name \"dmp\"");  // though lcm leaves cells
  refuses("checkpoint=sd21-bas", "checkpoint=: unknown name \"sd21-bas\"; did you mean \"sd21-base\"?");
  refuses("steps=3 spacing=leading", "spacing=: unknown name \"leading\"");
}

TEST_F(Cells, OfNoExperimentAreNone) {
  EXPECT_FEWSTEP_ERROR(select({}, ""), ExitCode::kUsage, "expected clauses that leave a cell");
}

TEST(SamplerCatalog, SaysWhichSamplersFitACheckpoint) {
  EXPECT_THAT(samplers_for(CheckpointKind::kTeacher), testing::StartsWith("ddim, dpm, dpm++"));
  EXPECT_EQ(samplers_for(CheckpointKind::kConsistency), "lcm");
  EXPECT_EQ(samplers_for(CheckpointKind::kGuidedDistill), "guided-distill");
}

}  // namespace
}  // namespace fewstep
