#include "verdicts/judge.h"

#include "core/files.h"
#include "temporary.h"
#include "verdicts/compare.h"
#include "verdicts/two_stores.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace fewstep {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Judged : public testing::Test {
 protected:
  Comparison compare(const ArmStore& baseline, const ArmStore& candidate, const Gate& gate = {},
                     const std::string& only = "") {
    const auto write = [&](const ArmStore& arm) {
      const auto path = folder_.path() / (std::to_string(++stores_) + ".sqlite");
      write_arm(path, arm);
      return path.string();
    };
    const Arm a = open_arm(write(baseline), only), b = open_arm(write(candidate), only);
    return judge(a, b, match(a, b, gate), gate);
  }
  static const ComparedRow& row(const Comparison& comparison, const std::string& metric, const std::string& cell = "") {
    for (const ComparedRow& one : comparison.rows)
      if (one.metric == metric && one.cell.find(cell) != std::string::npos) return one;
    throw std::runtime_error("no row of " + metric + " " + cell);
  }
  // Another checkpoint whose numbers are those of the same seed, moved.
  static ArmStore moved(double clip, double fid) {
    ArmStore arm;
    arm.sha256 = std::string(64, 'd');
    arm.cells[0].clip = clip;
    arm.cells[0].fid = fid;
    return arm;
  }

  TemporaryFolder folder_;
  int stores_ = 0;
};

TEST_F(Judged, TheSameImagesAreIdenticalAtAnyNumber) {
  for (const int prompts : {3, 100}) {
    ArmStore arm;
    arm.prompts = prompts;
    const Comparison comparison = compare(arm, arm);
    EXPECT_EQ(comparison.code, ExitCode::kOk) << prompts;
    EXPECT_EQ(row(comparison, "fid").verdict, Verdict::kIdentical);
    EXPECT_EQ(row(comparison, "clip-score").verdict, Verdict::kIdentical);
    EXPECT_THAT(comparison.statement, HasSubstr("training seeds were not varied"));
  }
}

TEST_F(Judged, ALowerClipScoreIsARegressionAndAHigherOneAnImprovement) {
  const Comparison worse = compare(ArmStore(), moved(-1, 0));
  EXPECT_EQ(worse.code, ExitCode::kRegression);
  EXPECT_EQ(row(worse, "clip-score").verdict, Verdict::kRegressed);
  EXPECT_NEAR(row(worse, "clip-score").difference->value, -1, 1e-9);
  EXPECT_LT(row(worse, "clip-score").high, 0);
  const Comparison better = compare(ArmStore(), moved(1, -5));
  EXPECT_EQ(better.code, ExitCode::kOk);
  EXPECT_EQ(row(better, "clip-score").verdict, Verdict::kImproved);
  EXPECT_EQ(row(better, "fid").verdict, Verdict::kImproved);
  EXPECT_EQ(row(compare(ArmStore(), moved(0, 30)), "fid").verdict, Verdict::kRegressed);
}

TEST_F(Judged, WhatIsSurelyInsideTheMarginPassesThoughItIsWorse) {
  const Comparison comparison = compare(ArmStore(), moved(-0.1, 0));  // all prompts alike: no spread
  EXPECT_EQ(row(comparison, "clip-score").verdict, Verdict::kPass);
  EXPECT_EQ(comparison.code, ExitCode::kOk);
  Gate strict;
  strict.margins.push_back({"clip-score", "", {0.05, false}});
  EXPECT_EQ(row(compare(ArmStore(), moved(-0.1, 0), strict), "clip-score").verdict, Verdict::kRegressed);
}

TEST_F(Judged, FewerPromptsAreNamedAsTheCauseAndNoOther) {
  ArmStore fewer;
  fewer.prompts = 90;
  const Comparison comparison = compare(ArmStore(), fewer);
  EXPECT_EQ(comparison.code, ExitCode::kNotComparable);
  EXPECT_THAT(comparison.unequal, testing::ElementsAre(HasSubstr("images: 100 in the baseline, 90 in the candidate")));
}

TEST_F(Judged, CaptionsThatDifferInTheirFileAloneAreSaidToBeTheSame) {
  ArmStore other;
  other.source = std::string(64, 'e');
  const Comparison same = compare(ArmStore(), other);
  EXPECT_EQ(same.code, ExitCode::kNotComparable);
  EXPECT_THAT(same.unequal, Contains(HasSubstr("the files differ in line ends or other columns")));
  other.caption = "another caption ";
  EXPECT_THAT(compare(ArmStore(), other).unequal, Not(Contains(HasSubstr("line ends"))));
}

TEST_F(Judged, OtherNoiseIsNotComparableUnlessItIsAskedFor) {
  ArmStore other = moved(0, 0);
  other.seed = 2;
  const Comparison refused = compare(ArmStore(), other);
  EXPECT_EQ(refused.code, ExitCode::kNotComparable);
  EXPECT_THAT(refused.unequal, Contains(HasSubstr("initial latents differ")));
  Gate gate;
  gate.unequal_noise = true;
  const Comparison asked = compare(ArmStore(), other, gate);
  EXPECT_EQ(asked.code, ExitCode::kInconclusive);  // 100 prompts say little at a margin of 0.2
  const ComparedRow& clip = row(asked, "clip-score");
  EXPECT_EQ(clip.verdict, Verdict::kInconclusive);
  ASSERT_TRUE(clip.prompts_needed);
  EXPECT_GT(*clip.prompts_needed, 100);
  EXPECT_THAT(asked.notes, Contains(HasSubstr("as was asked for")));
}

TEST_F(Judged, TheNumberOfPromptsThatWouldSettleItDoes) {
  ArmStore base;
  ArmStore other = moved(0, 0);
  other.seed = 4;
  Gate gate;
  gate.unequal_noise = true;
  gate.metrics = {"clip-score"};
  const auto needed = row(compare(base, other, gate), "clip-score").prompts_needed;
  ASSERT_TRUE(needed);
  base.prompts = other.prompts = static_cast<int>(*needed * 1.5);
  EXPECT_NE(compare(base, other, gate).code, ExitCode::kInconclusive);
}

TEST_F(Judged, UnknownLatentsAreAllowedAndStated) {
  ArmStore other = moved(-1, 0);
  other.seed = 2;
  other.knows_latents = false;
  const Comparison comparison = compare(ArmStore(), other);
  EXPECT_EQ(comparison.code, ExitCode::kRegression);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("initial latents of an arm are not known")));
}

TEST_F(Judged, WhatMustBeEqualIsNamed) {
  const auto differs = [&](auto change, const char* what) {
    ArmStore other = moved(0, 0);
    change(other);
    const Comparison comparison = compare(ArmStore(), other);
    EXPECT_EQ(comparison.code, ExitCode::kNotComparable) << what;
    EXPECT_THAT(comparison.unequal, Contains(HasSubstr(what)));
  };
  differs([](ArmStore& arm) { arm.source = std::string(64, 'b'); }, "caption source: aaaa");
  differs([](ArmStore& arm) { arm.caption = "another "; }, "other rows or texts");
  differs([](ArmStore& arm) { arm.images_per_prompt = 2; }, "images per prompt: 1 in the baseline, 2");
  differs([](ArmStore& arm) { arm.prompts = 60; }, "images: 100 in the baseline, 60 in the candidate");
  differs([](ArmStore& arm) { arm.size = 128; }, "size: 64 x 64 in the baseline, 128 x 128");
  differs([](ArmStore& arm) { arm.protocol = "clean-fid"; }, "protocol of fid: pytorch-fid in the baseline alone");
  differs([](ArmStore& arm) { arm.clip_model = std::string(64, '9'); }, "network of clip-score:transformers");
  differs([](ArmStore& arm) { arm.reference = std::string(64, '9'); }, "reference of fid:pytorch-fid");
  differs([](ArmStore& arm) { arm.cells[0].steps = 8; },
          "no cell of the baseline has its like in the candidate: 4 steps against 8 steps");
  differs([](ArmStore& arm) { arm.cells[0].omega = 7; }, "has its like in the candidate: ω 8 against ω 7");
}

TEST_F(Judged, AnotherGridIsToldAndOfOneCheckpointNotComparable) {
  ArmStore other = moved(-1, 0);
  other.cells[0].original_inference_steps = 20;
  const Comparison two = compare(ArmStore(), other);
  EXPECT_EQ(two.code, ExitCode::kRegression);
  EXPECT_THAT(two.notes, Contains(HasSubstr("times: lcm, 50 original steps in the baseline, lcm, 20")));
  other.sha256 = ArmStore().sha256;
  EXPECT_EQ(compare(ArmStore(), other).code, ExitCode::kNotComparable);
  ArmStore ddim = moved(-1, 0);
  ddim.cells[0].sampler = "ddim";
  const Comparison samplers = compare(ArmStore(), ddim);
  EXPECT_THAT(samplers.notes, Contains(HasSubstr("sampler: lcm in the baseline, ddim in the candidate")));
  EXPECT_EQ(samplers.rows.front().cell, "4 steps · ω 8");
}

TEST_F(Judged, WhatIsMissingNeverPasses) {
  const auto incomplete = [&](auto change, const char* what) {
    ArmStore other = moved(1, -5);
    change(other);
    const Comparison comparison = compare(ArmStore(), other);
    EXPECT_EQ(comparison.code, ExitCode::kIncomplete) << what;
    EXPECT_THAT(comparison.incomplete, Contains(HasSubstr(what)));
  };
  incomplete([](ArmStore& arm) { arm.cells[0].has_clip = false; }, "clip-score:transformers is missing");
  incomplete([](ArmStore& arm) { arm.cells[0].clip_is_nan = true; }, "clip-score is not a number");
  incomplete([](ArmStore& arm) { arm.cells[0].state = CellState::kFailed; }, "candidate: failed (broke)");
  incomplete(
      [](ArmStore& arm) {
        arm.cells[0].state = CellState::kIncomplete;
        arm.cells[0].stored = 37;
      },
      "candidate: incomplete 37/100");
  incomplete([](ArmStore& arm) { arm.looked_at = false; }, "nobody looked");
  ArmStore two, one = moved(1, -5);
  two.cells.push_back({.steps = 8});
  EXPECT_THAT(compare(two, one).incomplete, Contains("lcm · 8 steps · ω 8 is missing in the candidate"));
  const Comparison more = compare(one, two);
  EXPECT_NE(more.code, ExitCode::kIncomplete);
  EXPECT_THAT(more.notes, Contains(HasSubstr("8 steps · ω 8 is in the candidate alone")));
}

TEST_F(Judged, TooFewImagesAreInconclusive) {
  ArmStore base;
  ArmStore other = moved(-1, 20);
  base.prompts = other.prompts = 24;
  const Comparison few = compare(base, other);
  EXPECT_EQ(few.code, ExitCode::kInconclusive);
  EXPECT_THAT(row(few, "clip-score").reason, HasSubstr("24 prompts are too few"));
  base.prompts = other.prompts = 25;
  EXPECT_EQ(compare(base, other).code, ExitCode::kRegression);
  other.has_influence = false;
  EXPECT_THAT(row(compare(base, other), "fid").reason, HasSubstr("no paired standard error"));
}

TEST_F(Judged, ImagesThatTripAWireFailThoughTheScoreIsHigher) {
  ArmStore other = moved(5, -10);
  for (int prompt = 0; prompt < 5; ++prompt) other.cells[0].trips[prompt] = kOneColour;
  const Comparison black = compare(ArmStore(), other);
  EXPECT_EQ(black.code, ExitCode::kRegression);
  ASSERT_EQ(black.tripped.size(), 1u);
  EXPECT_EQ(black.tripped[0].tripwire, "one-colour");
  EXPECT_EQ(black.tripped[0].candidate, 5);
  EXPECT_EQ(black.tripped[0].fresh, 5);
  EXPECT_EQ(row(black, "clip-score").verdict, Verdict::kTripped);

  ArmStore base;
  base.cells[0].trips = other.cells[0].trips;
  EXPECT_EQ(compare(base, other).code, ExitCode::kOk) << "the baseline's same images trip it, too";
  base.cells[0].trips.erase(4);
  EXPECT_EQ(compare(base, other).tripped[0].fresh, 1);
  Gate gate;
  gate.allowed.push_back({"one-colour", "steps=4", 1});
  EXPECT_EQ(compare(base, other, gate).code, ExitCode::kOk);

  for (int prompt = 0; prompt < 100; ++prompt) base.cells[0].trips[prompt] = other.cells[0].trips[prompt] = kNoise;
  EXPECT_EQ(compare(base, other).code, ExitCode::kRegression) << "both are wholly noise";
  EXPECT_EQ(compare(base, base).code, ExitCode::kRegression) << "and identical";
}

TEST_F(Judged, TimesCountWithFiveProcessesOfOneEnvironment) {
  ArmStore base;
  ArmStore other = moved(0, 0);
  other.ms = 120;
  const Comparison few = compare(base, other);
  EXPECT_EQ(row(few, "latency").verdict, Verdict::kInconclusive);
  EXPECT_EQ(few.code, ExitCode::kOk) << "does not count";
  EXPECT_THAT(row(few, "latency").reason, HasSubstr("1 and 1 processes"));
  Gate gate;
  gate.margins.push_back({"latency", "", {0.05, true}});
  EXPECT_EQ(compare(base, other, gate).code, ExitCode::kInconclusive);
  base.processes = other.processes = 5;
  const Comparison slower = compare(base, other);
  EXPECT_EQ(row(slower, "latency").verdict, Verdict::kRegressed);
  EXPECT_EQ(slower.code, ExitCode::kRegression);
  other.ms = 101;
  EXPECT_EQ(compare(base, other).code, ExitCode::kOk);
  other.environment = R"({"cpu":"another"})";
  EXPECT_EQ(row(compare(base, other), "latency").verdict, Verdict::kNotComparable);
  EXPECT_EQ(compare(base, other).code, ExitCode::kOk);
  EXPECT_EQ(compare(base, other, gate).code, ExitCode::kNotComparable);
}

TEST_F(Judged, ChecksManyCellsAsOneFamily) {
  ArmStore base;
  ArmStore other = moved(0, 0);
  base.cells.clear();
  other.cells.clear();
  for (const int steps : {1, 2, 4, 8}) {
    base.cells.push_back({.steps = steps});
    other.cells.push_back({.steps = steps, .clip = steps == 2 ? -2.0 : 0.0});
  }
  const Comparison comparison = compare(base, other);
  EXPECT_EQ(comparison.tests, 2);  // of the cells that are not identical
  EXPECT_EQ(row(comparison, "clip-score", "2 steps").verdict, Verdict::kRegressed);
  EXPECT_EQ(row(comparison, "clip-score", "4 steps").verdict, Verdict::kIdentical);
  Gate gate;
  gate.cells = "steps=1,4,8";
  EXPECT_EQ(compare(base, other, gate).code, ExitCode::kOk);
  other.cells.pop_back();  // what does not count may be missing
  gate.cells = "steps=1,4";
  EXPECT_EQ(compare(base, other, gate).code, ExitCode::kOk);
  gate.cells = "steps=16";
  EXPECT_FEWSTEP_ERROR(compare(base, other, gate), ExitCode::kUsage, "cells = \"steps=16\" of the baseline");
  gate = {};
  gate.margins.push_back({"fid:clean-fid", "", {1, false}});
  EXPECT_FEWSTEP_ERROR(compare(base, other, gate), ExitCode::kUsage, "expected a metric that the baseline has");
}

TEST_F(Judged, SeveralCellsThatMatchAreToldApartByTheirGridOrRefused) {
  ArmStore base;
  ArmStore other = moved(-1, 0);
  base.cells.push_back({.original_inference_steps = 20});
  other.cells.push_back({.clip = -1, .original_inference_steps = 20});
  EXPECT_EQ(compare(base, other).rows.size(), 4u + 2u);  // and latency
  other.cells.pop_back();
  other.cells[0].original_inference_steps = 10;
  const Comparison refused = compare(base, other);
  EXPECT_EQ(refused.code, ExitCode::kNotComparable);
  EXPECT_THAT(refused.unequal, Contains(HasSubstr("2 cells of the baseline and 1 of the candidate match")));
}

TEST_F(Judged, ANoiseFloorRefusesMarginsThatNoRunCouldPass) {
  ArmStore base, again;
  again.seed = 2;
  Gate gate;
  gate.unequal_noise = true;
  const NoiseFloor floor = noise_floor(compare(base, again, gate));
  Comparison comparison = compare(base, moved(-0.1, 0));
  EXPECT_FEWSTEP_ERROR(apply_noise_floor(comparison, floor), ExitCode::kUsage,
                       "expected a margin of at least the noise floor");
  Gate wide;
  wide.margins.push_back({"clip-score", "", {3, false}});
  wide.margins.push_back({"fid", "", {30, false}});
  comparison = compare(base, moved(-0.1, 0), wide);
  apply_noise_floor(comparison, floor);
  EXPECT_GT(*row(comparison, "clip-score").noise_floor, 0.2);
}

TEST_F(Judged, ArmsAreRunsOrCheckpointsOfAStore) {
  const auto path = folder_.path() / "both.sqlite";
  write_arm(path, {});
  ArmStore other = moved(-1, 0);
  other.checkpoint = "lcm-new";
  write_arm(path, other);
  EXPECT_EQ(open_arm(path.string() + "#lcm", "").table.run.id, 1);
  EXPECT_EQ(open_arm(path.string() + "#lcm-new", "").table.run.id, 2);
  EXPECT_EQ(open_arm(path.string() + "#1", "").table.cells.at(0).key.checkpoint_name, "lcm");
  EXPECT_EQ(open_arm(path.string(), "").table.run.id, 2) << "the newest";
  EXPECT_FEWSTEP_ERROR(open_arm(path.string() + "#lmc", ""), ExitCode::kUsage, "did you mean \"lcm\"?");
  EXPECT_FEWSTEP_ERROR(open_arm(path.string() + "#7", ""), ExitCode::kInput, "expected a run from 1 to 2, got 7");
  EXPECT_FEWSTEP_ERROR(open_arm((folder_.path() / "none.sqlite").string(), ""), ExitCode::kInput, "none.sqlite");
  EXPECT_FEWSTEP_ERROR(open_arm(path.string(), "sampler=ddim"), ExitCode::kUsage, "sampler=");
}

// Seeds as an arm of several stores.
class Seeds : public testing::Test {
 protected:
  // A store of each arm for a seed: of other noise, and with `trained` of another checkpoint whose score lies so far
  // off.
  std::string arms(const std::string& name, bool trained, double clip, const std::vector<double>& offsets) {
    std::string text;
    for (std::size_t seed = 0; seed < offsets.size(); ++seed) {
      ArmStore arm;
      arm.sha256 = sha256(name + (trained ? std::to_string(seed) : ""));
      arm.seed = seed;
      arm.cells[0].clip = clip + offsets[seed];
      const auto path = folder_.path() / (name + std::to_string(seed) + ".sqlite");
      write_arm(path, arm);
      text += (text.empty() ? "" : ",") + path.string();
    }
    return text;
  }
  nlohmann::json compare(const std::string& baseline, const std::string& candidate) {
    CompareRequest request;
    request.baseline = baseline;
    request.candidate = candidate;
    request.format = "json";
    std::ostringstream out, err;
    run_compare(request, out, err);
    const auto result = nlohmann::json::parse(out.str());
    for (const auto& row : result.at("comparisons"))
      if (row.at("metric") == "clip-score") row_ = row;
    return result;
  }
  TemporaryFolder folder_;
  nlohmann::json row_;
};

TEST_F(Seeds, OfNoiseAloneAreAveragedPromptByPrompt) {
  const auto result = compare(arms("a", false, 0, {0, 0}), arms("b", false, -0.7, {0, 0}));
  EXPECT_EQ(result.at("outcome"), "regression");
  EXPECT_NEAR(row_.at("difference").get<double>(), -0.7, 1e-9);
  EXPECT_THAT(result.at("statement").get<std::string>(),
              HasSubstr("training seeds were not varied. Noise is averaged over 2 seeds"));
}

TEST_F(Seeds, OfTrainingAddTheirSpreadToTheError) {
  const std::string baseline = arms("a", true, 0, {0.4, -0.4, 0.1});
  const auto close = compare(baseline, arms("b", true, -0.7, {0.5, -0.6, 0.1}));
  EXPECT_EQ(close.at("outcome"), "inconclusive") << "within the spread of training";
  EXPECT_GT(row_.at("standard_error").get<double>(), 0.25);
  EXPECT_THAT(close.at("statement").get<std::string>(),
              HasSubstr("mean of 3 checkpoints of each arm: training seeds varied"));
  EXPECT_EQ(compare(baseline, arms("c", true, -4, {0.4, -0.4, 0.1})).at("outcome"), "regression");
}

TEST_F(Seeds, OfAnotherNumberAreRefused) {
  EXPECT_FEWSTEP_ERROR(compare(arms("a", true, 0, {0, 0}), arms("b", true, 0, {0})), ExitCode::kUsage,
                       "expected as many stores as the baseline has, 2, got 1");
}

}  // namespace
}  // namespace fewstep
