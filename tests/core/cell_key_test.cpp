#include "core/cell_key.h"

#include "core/error.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <set>

namespace fewstep {
namespace {

using testing::ElementsAre;

CellKey lcm_key() {
  CellKey key;
  key.checkpoint_name = "student";
  key.checkpoint_sha256 = "c0ffee";
  key.sampler = "lcm";
  key.steps = 4;
  key.omega = 7.5;
  key.spacing = "lcm";
  key.original_inference_steps = 50;
  key.negative_prompt = "blurry";
  return key;
}

TEST(CellAxes, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names, stored;
  for (const CellAxis& axis : kCellAxes) {
    EXPECT_TRUE(names.insert(axis.name).second) << axis.name;
    EXPECT_TRUE(stored.insert(axis.stored_name()).second) << axis.name;
    EXPECT_EQ(&cell_axis(axis.name), &axis);
  }
  EXPECT_FEWSTEP_ERROR(cell_axis("smapler"), ExitCode::kUsage, "did you mean \"sampler\"?");
}

TEST(CellAxes, GiveBackWhatWasSet) {
  const CellKey key = lcm_key();
  CellKey copy;
  for (const CellAxis& axis : kCellAxes)
    if (axis.set) axis.set(copy, axis.get(key));
  EXPECT_EQ(copy, key);
}

TEST(ACellsLabel, SaysWhatIsNotUsual) {
  CellKey key = lcm_key();
  EXPECT_EQ(cell_label(key), "checkpoint=student sampler=lcm steps=4 omega=7.5");
  key.given_as_guidance_scale = true;
  key.original_inference_steps = 20;
  EXPECT_EQ(cell_label(key), "checkpoint=student sampler=lcm steps=4 guidance_scale=8.5 original_inference_steps=20");
  key.spacing = "times:999-499";
  key.final_sigma = "min";
  key.original_inference_steps = 0;
  EXPECT_EQ(cell_label(key),
            "checkpoint=student sampler=lcm steps=4 guidance_scale=8.5 spacing=times:999-499 final_sigma=min");
  key.spacing = key.final_sigma = kElsewhere;
  EXPECT_EQ(cell_label(key), "checkpoint=student sampler=lcm steps=4 guidance_scale=8.5");
}

TEST(ACellsValues, AreShownByTheirAxes) {
  CellKey key = lcm_key();
  EXPECT_EQ(table_entry(cell_axis("omega"), key), "7.5 (8.5)");
  EXPECT_EQ(phrase(cell_axis("omega"), key), "ω\u00a07.5");
  EXPECT_EQ(column_title(cell_axis("steps"), key), "4 steps");
  EXPECT_EQ(phrase(cell_axis("seed"), key), "seed 0");
  EXPECT_EQ(phrase(cell_axis("spacing"), key), "lcm");
  EXPECT_EQ(table_entry(cell_axis("original_inference_steps"), key), "50");
  key.original_inference_steps = 0;
  EXPECT_EQ(table_entry(cell_axis("original_inference_steps"), key), "none");
  EXPECT_EQ(value_text(cell_axis("original_inference_steps"), key), "");
}

TEST(PartOfAKey, HasTheAxesOfAUse) {
  const CellKey fine = part_of(lcm_key(), kFine);
  EXPECT_EQ(fine.spacing, "lcm");
  EXPECT_EQ(fine.original_inference_steps, 50);
  EXPECT_EQ(fine.steps, 0);
  const CellKey named = part_of(lcm_key(), kNamed);
  EXPECT_EQ(named.negative_prompt, "blurry");
  EXPECT_EQ(named.checkpoint_name, "student");
  EXPECT_EQ(named.checkpoint_sha256, "");
}

TEST(DifferingAxes, AreThoseOfAUseAlongWhichKeysDiffer) {
  CellKey other = lcm_key();
  other.steps = 8;
  other.final_sigma = "min";
  const std::vector<CellKey> keys{lcm_key(), other};
  EXPECT_THAT(differing_axes(keys, kFine), ElementsAre(&cell_axis("final_sigma")));
  EXPECT_THAT(differing_axes(keys, kClause), ElementsAre(&cell_axis("steps"), &cell_axis("final_sigma")));
}

TEST(TheTimesOfACell, AreThoseOfItsWords) {
  CellKey key = lcm_key();
  EXPECT_EQ(grid_spec(key), (GridSpec{Spacing::kLcm, 50}));
  key.spacing = "times:999-499";
  key.original_inference_steps = 0;
  EXPECT_EQ(grid_spec(key).times, (std::vector{999, 499}));
  key.spacing = kElsewhere;
  EXPECT_FEWSTEP_ERROR(grid_spec(key), ExitCode::kInput, "got \"elsewhere\"");
}

}  // namespace
}  // namespace fewstep
