#include "datasets/caption_formats.h"
#include "experiment_files.h"
#include "samplers/catalog.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

struct Case {
  std::string name;      // "refuses …"
  std::string from, to;  // an edit of kWhole
  std::string passage;   // where the error points: the place of this passage; empty: to the file alone
  std::string message;
  ExitCode code = ExitCode::kUsage;
};

void PrintTo(const Case& given, std::ostream* out) { *out << given.name; }

class Refusal : public ExperimentFolder, public testing::WithParamInterface<Case> {};

TEST_P(Refusal, NamesFileLineColumnAndWhatWasExpected) {
  const Case& given = GetParam();
  const std::string text = edited(kWhole, given.from, given.to);
  const std::string place =
      given.passage.empty() ? file().string() + "] " : file().string() + ":" + place_in(text, given.passage) + "] ";
  try {
    read(text);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), given.code);
    EXPECT_THAT(error.what(), testing::StartsWith("[" + place));
    EXPECT_THAT(error.what(), testing::HasSubstr(given.message));
  }
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) { return info.param.name; }

const std::string kLcm = "path = \"lcm-sd15\"\nsamplers = [\"lcm\"]";

INSTANTIATE_TEST_SUITE_P(
    OfKeys, Refusal,
    testing::Values(
        Case{"UnknownTable", "[timing]", "[timings]", "timings]",
             "in the experiment: unknown name \"timings\"; did you mean \"timing\"?"},
        Case{"UnknownKeyAtTheTop", "seed = 2", "sed = 2", "sed", "did you mean \"seed\"?"},
        Case{"UnknownKeyOfPrompts", "count = 10000", "cuont = 10000", "cuont",
             "in [prompts]: unknown name \"cuont\"; did you mean \"count\"?"},
        Case{"UnknownKeyOfAFilter", "at_least = 6.0", "atleast = 6.0", "atleast",
             "in prompts.where: unknown name \"atleast\"; did you mean \"at_least\"?"},
        Case{"UnknownKeyOfReference", "images = \"laion/\"", "image = \"laion/\"", "image = \"laion",
             "in [reference]: unknown name \"image\"; did you mean \"images\"?"},
        Case{"UnknownKeyOfACheckpoint", "steps = [25", "step = [25", "step = [25",
             "in [[checkpoint]]: unknown name \"step\"; did you mean \"steps\"?"},
        Case{"UnknownKeyOfTheGrid", "omega = [8", "omgea = [8", "omgea",
             "in [grid]: unknown name \"omgea\"; did you mean \"omega\"?"},
        Case{"UnknownKeyOfAMetric", "weights = ", "weigths = ", "weigths",
             "in [[metric]]: unknown name \"weigths\"; did you mean \"weights\"?"},
        Case{"UnknownKeyOfTiming", "warmup", "warm-up", "warm-up",
             "in [timing]: unknown name \"warm-up\"; did you mean \"warmup\"?"},
        Case{"UnknownKeyOfImages", "height", "hieght", "hieght",
             "in [images]: unknown name \"hieght\"; did you mean \"height\"?"},
        Case{"AKeyThatIsNearToNone", "seed = 2", "zzzzzzzzzzzz = 2", "zzzz", "known: name, seed, prompts"},
        Case{"AKeyTwice", "seed = 20231006", "seed = 1\nseed = 2", "2\n[prompts]", "expected TOML: "},
        Case{"NoName", "name = \"table1-512\"\n", "", "seed", "in the experiment: expected name = \"…\", found none"},
        Case{"NoSeed", "seed = 20231006\n", "", "name", "expected seed = a whole number, found none"},
        Case{"NoPromptFile", "file = \"captions.tsv\"\n", "", "[prompts]",
             "in [prompts]: expected file = \"…\" or builtin = \"shapes\", found none"},
        Case{"NoSamplers", "samplers = [\"lcm\"]\n", "", "[[checkpoint]]\nname = \"lcm\"",
             "expected samplers = [ … ], found none"},
        Case{"NoPath", "path = \"lcm-sd15\"\n", "", "[[checkpoint]]\nname = \"lcm\"",
             "expected path = \"folder\" or { STEPS = \"folder\", … }, found none"},
        Case{"AFilterWithoutBound", ", at_least = 6.0, at_most = 9.5", "", "{ column = \"AES",
             "expected at_least, at_most or both, found none"},
        Case{"NoGuidance", "omega = [8.0]\n", "", "[grid]",
             "expected omega = [ … ] or guidance_scale = [ … ] for checkpoint sd21-base"},
        Case{"NoSteps", "steps = [1, 2, 4, 8]\n", "", "[grid]", "expected steps = [ … ] for checkpoint sd21-base"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    OfTypes, Refusal,
    testing::Values(
        Case{"ANumberAsName", "\"table1-512\"", "512", "512", "expected text that is not empty for name, got 512"},
        Case{"AnEmptyName", "\"table1-512\"", "\"\"", "\"\"", "expected text that is not empty for name, got \"\""},
        Case{"ANameThatIsNoFileName", "\"table1-512\"", "\"a/b\"", "\"a/b\"",
             "expected letters, digits, \"-\", \"_\", \".\", \"+\" for name, got \"a/b\""},
        Case{"ANameThatHides", "\"table1-512\"", "\".a\"", "\".a\"", "expected letters"},
        Case{"ANameLikeAnOption", "\"table1-512\"", "\"-a\"", "\"-a\"", "expected letters"},
        Case{"ANameWithAnEscapeSequence", "\"table1-512\"", "\"a\\u001B[31m\\nb\"", "\"a\\u", "got \"a [31m b\""},
        Case{"ALongName", "\"table1-512\"", "\"" + std::string(101, 'n') + "\"", "\"nnn",
             "got \"" + std::string(80, 'n') + "…\""},
        Case{"AWordAsSeed", "20231006", "\"7\"", "\"7\"",
             "expected a whole number from 0 to 9223372036854775807 for seed, got \"7\""},
        Case{"AFractionAsSeed", "20231006", "7.5", "7.5", "got 7.5"},
        Case{"AListAsSeed", "20231006", "[1]", "[1]", "got a list"},
        Case{"AnArrayAsTable", "[timing]", "[[timing]]", "[[timing]]", "expected a table [timing], got a list"},
        Case{"ATableAsArray",
             "[[metric]]\nname = \"fid\"\nprotocol = \"pytorch-fid\"\nweights = \"inception.safetensors\"\n[[metric]]",
             "[metric]", "[metric]", "expected tables [[metric]], got a table"},
        Case{"ANumberAsList", "[\"lcm\"]", "3", "3\n[[", "expected names in samplers, got 3"},
        Case{"ANumberInAListOfNames", "[\"lcm\"]", "[\"lcm\", 1]", "1]\n[[", "expected names in samplers, got 1"},
        Case{"AFractionAmongSteps", "[1, 2, 4, 8]", "[1, 2.5]", "2.5",
             "expected whole numbers from 1 to 1000 in steps, got 2.5"},
        Case{"AWordAsOmega", "[8.0]", "[\"8\"]", "\"8\"]", "expected numbers from -1 to 999 in omega, got \"8\""},
        Case{"AWordAsFlag", "keep = true", "keep = \"yes\"", "\"yes\"",
             "expected true, false, a number of prompts or \"extremes\" for keep, got \"yes\""},
        Case{"ANumberAsPath", "path = \"lcm-sd15\"", "path = 3", "3\nsamplers",
             "expected text that is not empty for path, got 3"},
        Case{"AnEmptyPath", "path = \"lcm-sd15\"", "path = \"\"", "\"\"", "expected text that is not empty"},
        Case{"APathWithANulByte", "path = \"lcm-sd15\"", "path = \"lcm-sd15\\u0000x\"", "\"lcm-sd15",
             "got one with a NUL byte"},
        Case{"AWordAsFilter", "at_least = 6.0", "at_least = \"6\"", "\"6\"",
             "expected a finite number for at_least, got \"6\""},
        Case{"AFilterThatIsNoTable", "{ column = \"PWATERMARK\", at_most = 0.5 }", "0.5", "[ { column",
             "expected tables [[where]], got a list"},
        Case{"AnEmptyFilterColumn", "\"PWATERMARK\"", "\"\"", "\"\"", "expected text that is not empty for column"},
        Case{"ATimeAsSeed", "20231006", "2023-10-06", "2023-10-06", "got 2023-10-06"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    OfAxes, Refusal,
    testing::Values(
        Case{"EmptySteps", "[1, 2, 4, 8]", "[]", "[]",
             "expected a list of at least one of whole numbers from 1 to 1000 for steps, got an empty list"},
        Case{"EmptyOmega", "[8.0]", "[]", "[]", "for omega, got an empty list"},
        Case{"EmptySpacing", "[\"trailing\"]", "[]", "[]", "for spacing, got an empty list"},
        Case{"EmptySamplers", "[\"lcm\"]", "[]", "[]", "for samplers, got an empty list"},
        Case{"EmptyOriginalSteps", "[50]", "[]", "[]", "for original_inference_steps, got an empty list"},
        Case{"EmptyBatches", "batch = [1]", "batch = []", "[]", "for batch, got an empty list"},
        Case{"EmptyPathsBySteps", "{ 1 = \"gd-1\", 2 = \"gd-2\", 4 = \"gd-4\", 8 = \"gd-8\" }", "{}", "{}",
             "expected a folder for at least one step count in path, got a table"},
        Case{"AStepCountTwice", "[1, 2, 4, 8]", "[1, 4, 4]", "4]", "expected each value of steps once, got 4 twice"},
        Case{"AnOmegaTwice", "[8.0]", "[8.0, 8]", "8]\noriginal", "expected each value of omega once, got 8 twice"},
        Case{"ASamplerTwice", "[\"lcm\"]", "[\"lcm\", \"lcm\"]", "\"lcm\"]",
             "expected each value of samplers once, got lcm twice"},
        Case{"ACheckpointTwice", "name = \"sd21-25\"", "name = \"sd21-base\"", "\"sd21-base\"\npath = \"./",
             "expected each checkpoint's name once, got \"sd21-base\""},
        Case{"AMetricTwice", "name = \"clip-score\"\nmodel = \"clip\"",
             "name = \"fid\"\nweights = \"inception.safetensors\"", "\"fid\"\nweights",
             "expected each metric and protocol once, got fid pytorch-fid twice"},
        Case{"APathForNoStepCount", "{ 1 = \"gd-1\"", "{ one = \"gd-1\"", "\"gd-1\"",
             "expected step counts as keys of path, got \"one\""},
        Case{"APathForZeroSteps", "{ 1 = \"gd-1\"", "{ 0 = \"gd-1\"", "\"gd-1\"",
             "expected step counts as keys of path, got \"0\""},
        Case{"APathTwiceForAStepCount", "{ 1 = \"gd-1\"", "{ 1 = \"gd-1\", 01 = \"gd-2/\"", "\"gd-1\"",
             "expected each step count once in path, got 1 twice"},
        Case{"ANumberAsPathOfAStepCount", "{ 1 = \"gd-1\"", "{ 1 = 7", "7,", "expected a folder in path, got 7"},
        Case{"AStepCountWithoutPath", ", 4 = \"gd-4\"", "", "[[checkpoint]]\nname = \"guided-distill\"",
             "checkpoint guided-distill: expected a folder for 4 steps in path, found none"},
        Case{"OmegaAndGuidanceScaleInTheGrid", "omega = [8.0]", "omega = [8.0]\nguidance_scale = [9.0]", "[9.0]",
             "expected omega or guidance_scale, got both: they are one knob, guidance_scale = 1 + omega"},
        Case{"OmegaAndGuidanceScaleOfACheckpoint", "guidance_scale = [7.5]", "guidance_scale = [7.5]\nomega = [6.5]",
             "[7.5]", "got both"},
        Case{"NoCheckpoint",
             kWhole.substr(kWhole.find("[[checkpoint]]"), kWhole.find("[grid]") - kWhole.find("[[checkpoint]]")), "",
             "", "expected at least one [[checkpoint]] or [[distill]], found none"},
        Case{"NoGrid", kWhole.substr(kWhole.find("[grid]"), kWhole.find("[[metric]]") - kWhole.find("[grid]")), "", "",
             "expected a table [grid], found none"},
        Case{"AThousandAndOneValues", "[50]",
             [] {
               std::string list = "[";
               for (int i = 0; i < 1001; ++i) list += "1,";
               return list + "]";
             }(),
             "[1,1", "expected at most 1000 values of original_inference_steps, got 1001"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    OfRanges, Refusal,
    testing::Values(
        Case{"ANegativeSeed", "20231006", "-1", "-1",
             "expected a whole number from 0 to 9223372036854775807 for seed, got -1"},
        Case{"ASeedOf64Bits", "20231006", "9223372036854775808 # too large", " # too large", "expected TOML: "},
        Case{"ZeroSteps", "[1, 2, 4, 8]", "[0]", "0]\nspacing",
             "expected whole numbers from 1 to 1000 in steps, got 0"},
        Case{"TooManySteps", "[1, 2, 4, 8]", "[1001]", "1001", "got 1001"},
        Case{"AHugeStepCount", "[1, 2, 4, 8]", "[9223372036854775807]", "9223372036854775807",
             "got 9223372036854775807"},
        Case{"NoSuchOmega", "[8.0]", "[nan]", "nan", "expected numbers from -1 to 999 in omega, got nan"},
        Case{"AnInfiniteOmega", "[8.0]", "[inf]", "inf]", "got inf"},
        Case{"OmegaBelowMinusOne", "[8.0]", "[-1.5]", "-1.5", "got -1.5"},
        Case{"ANegativeGuidanceScale", "[7.5]", "[-0.1]", "-0.1",
             "expected numbers from 0 to 1000 in guidance_scale, got -0.1"},
        Case{"ZeroPrompts", "10000", "0", "0\nimages_per",
             "expected a whole number from 1 to 1000000000 for count, got 0"},
        Case{"ZeroImagesPerPrompt", "images_per_prompt = 3", "images_per_prompt = 0", "0\nnegative",
             "from 1 to 10000 for images_per_prompt, got 0"},
        Case{"AnInfiniteBound", "at_least = 6.0", "at_least = -inf", "-inf",
             "expected a finite number for at_least, got -inf"},
        Case{"BoundsInReverse", "at_least = 6.0", "at_least = 9.6", "9.6", "expected at_least <= at_most, got 9.6"},
        Case{"ABatchOfZero", "batch = [1]", "batch = [0]", "0]\nwarmup",
             "expected whole numbers from 1 to 4096 in batch, got 0"},
        Case{"NegativeWarmUp", "warmup = 3", "warmup = -3", "-3", "from 0 to 10000 for warmup, got -3"},
        Case{"NoRepetitions", "repetitions = 10", "repetitions = 0", "0\n[images]",
             "from 1 to 1000000 for repetitions, got 0"},
        Case{"ATinyImage", "height = 512", "height = 7", "7\nwidth", "from 8 to 16384 for height, got 7"},
        Case{"AHeightAlone", "width = 768\n", "", "[images]", "expected height and width together, got one of them"},
        Case{"MoreCellsThanMemoryHolds", "omega = [8.0]\noriginal_inference_steps = [50]",
             [] {
               std::string omega = "omega = [", original = "original_inference_steps = [";
               for (int i = 0; i < 999; ++i) omega += std::to_string(i) + ",";
               for (int i = 8; i < 1000; ++i) original += std::to_string(i) + ",";
               return omega + "]\n" + original + "]";
             }(),
             "[1, 2, 4, 8]", "expected at most 100000 cells"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    OfNames, Refusal,
    testing::Values(
        Case{"AnUnknownSampler", "\"dpm\"", "\"dmp\"", "\"dmp\"",
             "unknown name \"dmp\"; did you mean \"dpm\"? Known: ddim, dpm, dpm++, "},
        Case{"AnUnknownSpacing", "\"trailing\"", "\"trailling\"", "\"trailling\"",
             "unknown name \"trailling\"; did you mean \"trailing\"? Known: trailing, leading, linspace, lcm, "
             "lcm-original"},
        Case{"AnUnknownFinalSigma", "\"zero\"", "\"0\"", "\"0\"", "unknown name \"0\"; known: zero, min"},
        Case{"AnUnknownMetric", "name = \"fid\"", "name = \"fdi\"", "\"fdi\"",
             "unknown name \"fdi\"; did you mean \"fid\"?"},
        Case{"AnUnknownProtocol", "\"pytorch-fid\"", "\"pytorchfid\"", "\"pytorchfid\"",
             "unknown name \"pytorchfid\"; did you mean \"pytorch-fid\"?"},
        Case{"AModelForFid", "weights = \"inception.safetensors\"", "model = \"clip\"", "\"clip\"",
             "expected weights for fid, got model"},
        Case{"WeightsForClipScore", "model = \"clip\"", "weights = \"inception.safetensors\"",
             "\"inception.safetensors\"\n[timing", "expected model for clip-score, got weights"},
        Case{"AMetricWithoutNetwork", "model = \"clip\"\n", "", "[[metric]]\nname = \"clip",
             "expected model = \"…\" for clip-score, the folder of a CLIPModel; --clip names it"},
        Case{"FidWithoutReference", "[reference]\nimages = \"laion/\"\n", "", "[[metric]]\nname = \"fid",
             "fid compares with a reference: expected [reference] images = …, statistics = … or builtin = …"},
        Case{"TwoReferences", "images = \"laion/\"", "images = \"laion/\"\nstatistics = \"laion.npz\"", "[reference]",
             "expected images (a folder), statistics (an .npz) or builtin (\"shapes\"), got more than one"},
        Case{"AnEmptyReference", "images = \"laion/\"\n", "", "[reference]", "got none"},
        Case{"AssumeProtocolBesideImages", "images = \"laion/\"", "images = \"laion/\"\nassume_protocol = true", "true",
             "expected assume_protocol beside statistics, got it beside images"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    OfCheckpoints, Refusal,
    testing::Values(Case{"LcmOnATeacher", "\"ddim\", \"dpm\", \"dpm++\"", "\"ddim\", \"lcm\"", "\"lcm\"]",
                         "expected a sampler that fits "},
                    Case{"GuidedDistillOnATeacher", "\"ddim\", \"dpm\", \"dpm++\"", "\"guided-distill\"",
                         "\"guided-distill\"]",
                         "a teacher checkpoint (" + samplers_for(CheckpointKind::kTeacher) + "), got guided-distill"},
                    Case{"LcmOnAVPredictingTeacher", "samplers = [\"dpm++\"]", "samplers = [\"lcm\"]",
                         "\"lcm\"]\nsteps",
                         "a teacher checkpoint (" + samplers_for(CheckpointKind::kTeacher) + "), got lcm"},
                    Case{"DdimOnAnLcm", kLcm, "path = \"lcm-sd15\"\nsamplers = [\"ddim\"]", "\"ddim\"]\n[[",
                         "a consistency checkpoint (lcm), got ddim"},
                    Case{"DdimOnALoraMergedLcm", kLcm, "path = \"lcm-lora\"\nsamplers = [\"ddim\"]", "\"ddim\"]\n[[",
                         "a consistency checkpoint (lcm), got ddim"},
                    Case{"LcmOnAGuidedDistill", "samplers = [\"guided-distill\"]", "samplers = [\"lcm\"]",
                         "\"lcm\"]\n[grid", "a guided-distill checkpoint (guided-distill), got lcm"},
                    Case{"OneMisfitAmongStudents", "4 = \"gd-4\"", "4 = \"lcm-lora\"", "\"guided-distill\"]",
                         "lcm-lora, a consistency checkpoint (lcm), got guided-distill"},
                    Case{"MoreLcmStepsThanItsGridHas", "[50]", "[4]", "[1, 2, 4, 8]",
                         "checkpoint=lcm sampler=lcm steps=8 omega=8 original_inference_steps=4: [steps] expected at "
                         "most original_inference_steps = 4, got 8"},
                    Case{"MoreStepsOfACheckpointThanItsGridHas", kLcm, kLcm + "\nsteps = [60]", "[60]",
                         "expected at most original_inference_steps = 50, got 60"},
                    Case{"AMissingCheckpoint", "\"lcm-sd15\"", "\"lcm-sd51\"", "\"lcm-sd51\"",
                         "expected a folder, found nothing at ", ExitCode::kInput},
                    Case{"AFileAsCheckpoint", "\"lcm-sd15\"", "\"captions.txt\"", "\"captions.txt\"",
                         "expected a folder, found a file at ", ExitCode::kInput},
                    Case{"AMissingStudent", "4 = \"gd-4\"", "4 = \"gd-3\"", "\"gd-3\"",
                         "expected a folder, found nothing at ", ExitCode::kInput},
                    Case{"MissingCaptions", "\"captions.tsv\"", "\"caption.tsv\"", "\"caption.tsv\"",
                         "expected a file, found nothing at ", ExitCode::kInput},
                    Case{"MissingReferenceImages", "\"laion/\"", "\"laoin/\"", "\"laoin/\"",
                         "expected a folder, found nothing at ", ExitCode::kInput},
                    Case{"MissingMetricWeights", "\"inception.safetensors\"", "\".\"", "\".\"",
                         "expected a file, found a folder at ", ExitCode::kInput},
                    Case{"AMissingClip", "model = \"clip\"", "model = \"clop\"", "\"clop\"",
                         "expected a folder, found nothing at ", ExitCode::kInput}),
    name_of_case);

class ASmallExperiment : public ExperimentFolder {};

TEST_F(ASmallExperiment, RefusesAValueInPlaceOfATable) {
  EXPECT_FEWSTEP_ERROR(read("timing = 3\n" + kLeast), ExitCode::kUsage, ":1:10] expected a table [timing], got 3");
  EXPECT_FEWSTEP_ERROR(read("metric = 3\n" + kLeast), ExitCode::kUsage, ":1:10] expected tables [[metric]], got 3");
  EXPECT_FEWSTEP_ERROR(read("metric = []\n" + kLeast), ExitCode::kUsage,
                       "expected tables [[metric]], got an empty list");
}

// It would be ignored in silence.
TEST_F(ASmallExperiment, RefusesASpacingThatNoneOfItsSamplersTakes) {
  EXPECT_FEWSTEP_ERROR(read(kLeast + "spacing = [\"trailing\", \"lcm-original\"]\n"), ExitCode::kUsage,
                       ":12:24] expected a spacing that a sampler here takes, got lcm-original, which only lcm takes");
  const std::string lcm = edited(edited(kLeast, "\"sd15\"", "\"lcm-sd15\""), "\"ddim\"", "\"lcm\"");
  EXPECT_FEWSTEP_ERROR(read(lcm + "spacing = [\"leading\"]\n"), ExitCode::kUsage,
                       ":12:12] expected a spacing that a sampler here takes, got leading, which ddim, dpm and dpm++");
  EXPECT_EQ(read(lcm + "spacing = [\"lcm-original\"]\n").spacing.at(0), Spacing::kLcmOriginal);
}

const std::string kPrompts = R"(file = "captions.tsv"
text = "caption"
where = [ { column = "AESTHETIC_SCORE", at_least = 6.0, at_most = 9.5 }, { column = "PWATERMARK", at_most = 0.5 } ]
count = 10000
)";
const std::string kShapes = "builtin = \"shapes\"\ncount = 8\n", kFolder = "images = \"laion/\"\n";

INSTANTIATE_TEST_SUITE_P(
    OfBuiltinScenes, Refusal,
    testing::Values(
        Case{"FileAndBuiltin", "text = \"caption\"", "builtin = \"shapes\"", "\"shapes\"",
             "in [prompts]: expected file = \"…\" or builtin = \"shapes\", found both"},
        Case{"AnUnknownBuiltin", kPrompts, "builtin = \"shape\"\ncount = 8\n", "\"shape\"",
             "unknown name \"shape\"; did you mean \"shapes\"?"},
        Case{"BuiltinThatIsNoText", kPrompts, "builtin = true\ncount = 8\n", "true",
             "expected text that is not empty for builtin, got true"},
        Case{"BuiltinWithoutCount", kPrompts, "builtin = \"shapes\"\n", "[prompts]",
             "in [prompts]: expected count = a whole number, found none"},
        Case{"NoScenes", kPrompts, "builtin = \"shapes\"\ncount = 0\n", "0\nimages_per", "got 0"},
        Case{"AnUnknownSplit", kPrompts, kShapes + "split = \"tset\"\n", "\"tset\"",
             "unknown name \"tset\"; did you mean \"test\"? Known: train, validation, test"},
        Case{"AnUnknownStyle", kPrompts, kShapes + "style = \"outlined\"\n", "\"outlined\"",
             "unknown name \"outlined\"; did you mean \"outline\"?"},
        Case{"AColumnOfScenes", kPrompts, kShapes + "text = \"caption\"\n", "\"caption\"",
             "expected text beside file alone"},
        Case{"AFilterOfScenes", kPrompts, kShapes + "where = [ { column = \"a\", at_least = 6 } ]\n", "[ { column",
             "expected where beside file alone"},
        Case{"ASplitOfAFile", "count = 10000", "split = \"test\"", "\"test\"", "expected split beside builtin alone"},
        Case{"AStyleOfAFile", "count = 10000", "style = \"filled\"", "\"filled\"",
             "expected style beside builtin alone"},
        Case{"ImagesAndBuiltin", kFolder, kFolder + "builtin = \"shapes\"\n", "\"shapes\"", "got more than one"},
        Case{"AnUnknownBuiltinReference", kFolder, "builtin = \"Shapes\"\n", "\"Shapes\"",
             "unknown name \"Shapes\"; did you mean \"shapes\"?"},
        Case{"AnUnknownSplitOfTheReference", kFolder, kShapes + "split = \"valid\"\n", "\"valid\"",
             "unknown name \"valid\""},
        Case{"OneReferenceScene", kFolder, "builtin = \"shapes\"\ncount = 1\n", "1\n[[checkpoint]]", "got 1"},
        Case{"ANegativeFirst", kFolder, kShapes + "first = -1\n", "-1", "got -1"},
        Case{"ACountOfAFolder", kFolder, kFolder + "count = 9\n", "9\n[[", "expected count beside builtin alone"},
        Case{"AFirstOfAFolder", kFolder, kFolder + "first = 9\n", "9\n[[", "expected first beside builtin alone"},
        Case{"AStyleOfAFolder", kFolder, kFolder + "style = \"outline\"\n", "\"outline\"",
             "expected style beside builtin alone"},
        Case{"AssumeProtocolBesideBuiltin", kFolder, kShapes + "assume_protocol = true\n", "true",
             "expected assume_protocol beside statistics, got it beside builtin"}),
    name_of_case);

TEST_F(ASmallExperiment, ThatIsMissingIsAMissingInput) {
  EXPECT_FEWSTEP_ERROR(read_experiment(at("none.toml")), ExitCode::kInput, "none.toml");
  EXPECT_FEWSTEP_ERROR(read_experiment(at("clip")), ExitCode::kInput, "clip");
}

// Said by name, so that a file of a later version is not taken for a slip of the pen.
INSTANTIATE_TEST_SUITE_P(
    OfLaterVersions, Refusal,
    testing::Values(Case{"CaptionsInATar", "\"captions.tsv\"", "\"captions.{000..009}.tar\"", "\"captions.{",
                         "got \".tar\", which belongs to a later version of fewstep"},
                    Case{"CaptionsOfAnUnknownFormat", "\"captions.tsv\"", "\"captions.xlsx\"", "\"captions.x",
                         unknown_caption_format(".xlsx")},
                    Case{"ReferenceImagesInATar", "\"laion/\"", "\"laion.tar\"", "\"laion.tar",
                         "expected a folder of images, got a .tar, which belongs to a later version of fewstep"}),
    name_of_case);

}  // namespace
}  // namespace fewstep
