#include "cli/command_line.h"

#include "cli/help_text.h"
#include "core/error.h"
#include "core/files.h"
#include "settings/run_options.h"
#include "temporary.h"
#include "words.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kCommands = {"demo",    "run",     "report", "sample",    "score", "stats",
                                            "distill", "inspect", "schema", "compare",   "gate",  "watch",
                                            "merge",   "audit",   "init",   "completion"};
// What every sample needs beside its guidance.
const std::vector<std::string> kSample = {"sample",   "--checkpoint", "lcm", "--sampler", "lcm",
                                          "--prompt", "a boat",       "-o",  "out"};

Command parse(const std::vector<std::string>& words, std::string* printed = nullptr) {
  std::ostringstream out;
  Command command = parse_words(words, out);
  if (printed)
    *printed = out.str();
  else
    EXPECT_EQ(out.str(), "");  // standard output carries results alone
  return command;
}

template <typename Request>
Request parse_as(const std::vector<std::string>& words) {
  return std::get<Request>(parse(words));
}

Command sample_with(const std::vector<std::string>& more) {
  std::vector<std::string> words = kSample;
  words.insert(words.end(), more.begin(), more.end());
  return parse(words);
}

std::string help_of(const std::vector<std::string>& words) {
  std::string help;
  EXPECT_EQ(std::get<int>(parse(words, &help)), 0);
  return help;
}

TEST(Help, OfEveryCommandHasAnExampleThatWorks) {
  for (const std::string& command : kCommands) {
    const std::string help = help_of({command, "--help"}), marker = "Example:\n  fewstep ";
    const auto at = help.find(marker);
    ASSERT_NE(at, std::string::npos) << command << "\n" << help;
    const auto begin = at + marker.size();
    const auto words = shell_words(help.substr(begin, help.find('\n', begin) - begin));
    EXPECT_EQ(words.at(0), command);
    if (command == "watch" || command == "completion") continue;  // whose folder has to be there; which is answered
    EXPECT_NO_THROW(EXPECT_NE(parse(words).index(), 0U)) << help;
  }
}

TEST(Help, NamesEveryCommandAndTheExitCodes) {
  const std::string help = help_of({"--help"});
  for (const std::string& command : kCommands) EXPECT_THAT(help, HasSubstr("\n  " + command + " "));
  EXPECT_THAT(help, HasSubstr("Example:\n  fewstep demo\n  fewstep run "));
  EXPECT_THAT(help, HasSubstr("Exit codes: 0 success, 2 command line or experiment file, 3 input file"));
  EXPECT_THAT(help, HasSubstr("75 interrupted"));
  EXPECT_EQ(help_of({"-h"}), help);
}

// The order of what is excluded came from addresses, which differ from one process to the next.
TEST(Help, NamesExcludedOptionsInTheAlphabetsOrder) {
  CLI::App app;
  app.formatter(std::make_shared<HelpText>());
  CLI::Option* one = app.add_option("--one");
  for (const char* name : {"--w", "--b", "--v", "--c", "--u", "--d", "--t", "--e"})
    one->excludes(app.add_option(name))->needs(app.add_option(name + std::string("-too")));
  EXPECT_THAT(app.help(), HasSubstr("--one Needs: --b-too --c-too --d-too --e-too --t-too --u-too --v-too --w-too "
                                    "Excludes: --b --c --d --e --t --u --v --w\n"));
}

TEST(Help, NeedsNothingElseOfItsCommand) { EXPECT_THAT(help_of({"sample", "-h"}), HasSubstr("--guidance-scale")); }

TEST(TheVersion, IsOneLine) { EXPECT_THAT(help_of({"--version"}), testing::MatchesRegex("fewstep [0-9.]+\n")); }

TEST(Run, HasDefaults) {
  const auto run = parse_as<RunRequest>({"run", "a.toml"});
  EXPECT_EQ(run.experiment, "a.toml");
  EXPECT_TRUE(run.store.empty());
  EXPECT_TRUE(run.set.empty());
  EXPECT_EQ(run.only, "");
  EXPECT_FALSE(run.limit);
  EXPECT_EQ(run.device, "auto");
  EXPECT_EQ(run.dtype, "float32");
  EXPECT_EQ(run.batch, 0);
  EXPECT_FALSE(run.dry_run || run.no_sharing || run.retime);
}

TEST(Run, TakesEveryOption) {
  const auto run = parse_as<RunRequest>({"run",
                                         "--store",
                                         "s.sqlite",
                                         "--set",
                                         "grid.steps=[4,8]",
                                         "--set=name=x",
                                         "--only",
                                         "sampler=lcm steps=4",
                                         "--limit",
                                         "9",
                                         "--device",
                                         "cuda:1",
                                         "--dtype",
                                         "bfloat16",
                                         "--batch",
                                         "8",
                                         "--dry-run",
                                         "--no-sharing",
                                         "--retime",
                                         "a.toml"});
  EXPECT_EQ(run.experiment, "a.toml");
  EXPECT_EQ(run.store, "s.sqlite");
  EXPECT_THAT(run.set, ElementsAre("grid.steps=[4,8]", "name=x"));
  EXPECT_EQ(run.only, "sampler=lcm steps=4");
  EXPECT_EQ(run.limit, 9);
  EXPECT_EQ(run.device, "cuda:1");
  EXPECT_EQ(run.dtype, "bfloat16");
  EXPECT_EQ(run.batch, 8);
  EXPECT_TRUE(run.dry_run && run.no_sharing && run.retime);
}

// --set takes one value: the experiment after it is not another.
TEST(Run, MayHaveItsExperimentAfterASetting) {
  const auto run = parse_as<RunRequest>({"run", "--set", "seed=1", "a.toml"});
  EXPECT_EQ(run.experiment, "a.toml");
  EXPECT_THAT(run.set, ElementsAre("seed=1"));
}

// What merge, audit, gate and watch ask again is what was asked.
TEST(RunOptions, PassThroughStoresAndCommandLines) {
  RunOptions all;
  all.set = {"seed=1", "grid.steps=[4]"};
  all.only = "sampler=lcm steps=4";
  all.limit = 7;
  all.device = "cpu";
  all.dtype = "bfloat16";
  all.metric_precision = "tf32";
  all.batch = 3;
  all.no_sharing = true;
  const auto json = run_options_json(all);
  EXPECT_EQ(json.size(), kRunOptions.size());
  for (const RunOption& option : kRunOptions) EXPECT_NE(option.get(all), option.get({})) << option.name;
  EXPECT_EQ(read_run_options(json), all);
  EXPECT_EQ(read_run_options(run_options_json({})), RunOptions());
  EXPECT_EQ(run_arguments({}), std::vector<std::string>());
  for (const auto& [command, more] : {std::pair("run", std::vector<std::string>{"run", "a.toml"}),
                                      {"watch", {"watch", ".", "--experiment", "a.toml"}}}) {
    auto words = more;
    for (const std::string& word : run_arguments(all)) words.push_back(word);
    const auto request = parse(words);
    EXPECT_EQ(command == std::string("run") ? static_cast<const RunOptions&>(std::get<RunRequest>(request))
                                            : std::get<WatchRequest>(request),
              all)
        << command;
  }
}

TEST(Sample, HasDefaults) {
  const auto sample = std::get<SampleRequest>(sample_with({"--omega", "7.5"}));
  EXPECT_EQ(sample.checkpoint, "lcm");
  EXPECT_EQ(sample.sampler, "lcm");
  EXPECT_EQ(sample.steps, 0) << "by what the checkpoint is";
  EXPECT_EQ(sample.guidance, (Guidance{7.5, false}));
  EXPECT_EQ(sample.prompt, "a boat");
  EXPECT_FALSE(sample.prompts);
  EXPECT_EQ(sample.negative_prompt, "");
  EXPECT_EQ(sample.seed, 0U);
  EXPECT_EQ(sample.output, "out");
  EXPECT_FALSE(sample.latents || sample.save_latents);
  EXPECT_FALSE(sample.spacing);
  EXPECT_EQ(sample.final_sigma, FinalSigma::kZero);
  EXPECT_EQ(sample.device, "auto");
  EXPECT_EQ(sample.dtype, "float32");
  EXPECT_EQ(sample.batch, 0);
}

TEST(Sample, TakesEveryOption) {
  const auto sample = parse_as<SampleRequest>({"sample",
                                               "--checkpoint",
                                               "sd15",
                                               "--sampler",
                                               "dpm++",
                                               "--steps",
                                               "25",
                                               "--guidance-scale",
                                               "7.5",
                                               "--prompts",
                                               "p.txt",
                                               "--negative-prompt",
                                               "blurry",
                                               "--seed",
                                               "9223372036854775807",
                                               "--output",
                                               "out",
                                               "--latents",
                                               "n.safetensors",
                                               "--save-latents",
                                               "x.safetensors",
                                               "--spacing",
                                               "leading",
                                               "--final-sigma",
                                               "min",
                                               "--device",
                                               "cpu",
                                               "--dtype",
                                               "float16",
                                               "--batch",
                                               "2"});
  EXPECT_EQ(sample.sampler, "dpm++");
  EXPECT_EQ(sample.steps, 25);
  EXPECT_EQ(sample.guidance, (Guidance{6.5, true}));
  EXPECT_FALSE(sample.prompt);
  EXPECT_EQ(sample.prompts, "p.txt");
  EXPECT_EQ(sample.negative_prompt, "blurry");
  EXPECT_EQ(sample.seed, 9223372036854775807U);
  EXPECT_EQ(sample.latents, "n.safetensors");
  EXPECT_EQ(sample.save_latents, "x.safetensors");
  EXPECT_EQ(sample.spacing, Spacing::kLeading);
  EXPECT_EQ(sample.final_sigma, FinalSigma::kMin);
  EXPECT_EQ(sample.device, "cpu");
  EXPECT_EQ(sample.dtype, "float16");
  EXPECT_EQ(sample.batch, 2);
}

TEST(Sample, TakesTimesInPlaceOfSteps) {
  const auto sample = std::get<SampleRequest>(sample_with({"--omega", "7", "--times", "999,749,499,249"}));
  EXPECT_THAT(sample.times, ElementsAre(999, 749, 499, 249));
  EXPECT_EQ(sample.steps, 0) << "as many as times";
  EXPECT_THAT(std::get<SampleRequest>(sample_with({"--omega", "7", "--times", "399", "--steps", "1"})).times,
              ElementsAre(399));
}

TEST(Sample, TakesNegativeGuidanceAndAnEmptyCaption) {
  EXPECT_EQ(std::get<SampleRequest>(sample_with({"--omega", "-1"})).guidance->omega, -1);
  EXPECT_EQ(std::get<SampleRequest>(sample_with({"--omega=-0.5"})).guidance->omega, -0.5);
  EXPECT_EQ(std::get<SampleRequest>(sample_with({"--guidance-scale", "0"})).guidance, (Guidance{-1, true}));
  const auto sample = parse_as<SampleRequest>(
      {"sample", "--checkpoint", "lcm", "--sampler", "lcm", "--prompt", "", "-o", "out", "--omega", "0"});
  EXPECT_EQ(sample.prompt, "");
}

TEST(Score, HasDefaultsAndTakesEveryOption) {
  const auto plain = parse_as<ScoreRequest>({"score", "--images", "out", "--metric", "fid"});
  EXPECT_EQ(plain.images, "out");
  EXPECT_THAT(plain.metrics, ElementsAre("fid"));
  EXPECT_FALSE(plain.reference || plain.prompts);
  EXPECT_TRUE(plain.networks.empty());
  EXPECT_EQ(plain.device, "auto");
  EXPECT_EQ(plain.batch, 16);
  EXPECT_FALSE(plain.assume_protocol || plain.json);
  EXPECT_EQ(plain.max_left_out, 0.01);
  const auto full = parse_as<ScoreRequest>({"score",
                                            "--metric",
                                            "fid:pytorch-fid",
                                            "--images",
                                            "out",
                                            "--metric",
                                            "clip-score",
                                            "--reference",
                                            "r.npz",
                                            "--inception",
                                            "i",
                                            "--clip",
                                            "c",
                                            "--feature-net",
                                            "n",
                                            "--prompts",
                                            "p.txt",
                                            "--assume-protocol",
                                            "--skip-broken",
                                            "--json",
                                            "--batch",
                                            "4",
                                            "--device",
                                            "cuda"});
  EXPECT_THAT(full.metrics, ElementsAre("fid:pytorch-fid", "clip-score"));
  EXPECT_EQ(full.reference, "r.npz");
  EXPECT_EQ(full.networks.at("fid"), "i");
  EXPECT_EQ(full.networks.at("clip-score"), "c");
  EXPECT_EQ(full.networks.at("fd-pocket"), "n");
  EXPECT_EQ(full.prompts, "p.txt");
  EXPECT_EQ(full.batch, 4);
  EXPECT_EQ(full.device, "cuda");
  EXPECT_TRUE(full.assume_protocol && full.json);
  EXPECT_EQ(full.max_left_out, 1);
}

TEST(Stats, HasDefaultsAndTakesEveryOption) {
  const auto plain = parse_as<StatsRequest>({"stats", "images", "-o", "s.npz"});
  EXPECT_EQ(plain.images, "images");
  EXPECT_EQ(plain.output, "s.npz");
  EXPECT_EQ(plain.protocol, "");
  EXPECT_EQ(plain.resolution, 0);
  EXPECT_EQ(plain.crop, "none");
  EXPECT_EQ(plain.batch, 16);
  EXPECT_EQ(plain.max_left_out, 0.01);
  const auto full = parse_as<StatsRequest>({"stats", "images", "--output", "s.npz", "--protocol", "clean-fid",
                                            "--inception", "i", "--feature-net", "n", "--resolution", "512", "--crop",
                                            "center", "--max-left-out", "0.25"});
  EXPECT_EQ(full.protocol, "clean-fid");
  EXPECT_EQ(full.networks.at("fid"), "i");
  EXPECT_EQ(full.networks.at("fd-pocket"), "n");
  EXPECT_EQ(full.resolution, 512);
  EXPECT_EQ(full.crop, "center");
  EXPECT_EQ(full.max_left_out, 0.25);
}

TEST(Report, HasDefaultsAndTakesEveryOption) {
  const auto plain = parse_as<ReportRequest>({"report", "s.sqlite"});
  EXPECT_EQ(plain.store, "s.sqlite");
  EXPECT_EQ(plain.format, "") << "table, or by the ending";
  EXPECT_TRUE(plain.rows.empty() && plain.columns.empty());
  EXPECT_FALSE(plain.run || !plain.outputs.empty());
  const auto full = parse_as<ReportRequest>({"report", "s.sqlite", "--format", "json", "-o", "r.json", "--rows",
                                             "checkpoint", "--columns", "steps,omega", "--run", "3"});
  EXPECT_EQ(full.format, "json");
  EXPECT_THAT(full.outputs, testing::ElementsAre("r.json"));
  EXPECT_EQ(full.rows, "checkpoint");
  EXPECT_EQ(full.columns, "steps,omega");
  EXPECT_EQ(full.run, 3);
  EXPECT_EQ(plain.grid_prompts, 8);
  const auto page = parse_as<ReportRequest>({"report", "s.sqlite", "--format", "html", "--grid-prompts", "20"});
  EXPECT_EQ(page.format, "html");
  EXPECT_EQ(page.grid_prompts, 20);
}

TEST(Inspect, TakesAPath) {
  EXPECT_EQ(parse_as<InspectRequest>({"inspect", "sd15"}).path, "sd15");
  EXPECT_FALSE(parse_as<InspectRequest>({"inspect", "sd15"}).json);
  EXPECT_TRUE(parse_as<InspectRequest>({"inspect", "--json", "sd15"}).json);
}

TEST(TheEngine, IsNeededWhereNetworksAre) {
  EXPECT_TRUE(needs_engine(RunRequest{}));
  EXPECT_TRUE(needs_engine(DemoRequest{}));
  EXPECT_TRUE(needs_engine(SampleRequest{}));
  EXPECT_TRUE(needs_engine(ScoreRequest{}));
  EXPECT_TRUE(needs_engine(StatsRequest{}));
  EXPECT_FALSE(needs_engine(ReportRequest{}));
  EXPECT_FALSE(needs_engine(InspectRequest{}));
  EXPECT_FALSE(needs_engine(0));  // --help
}

TEST(ACommandLine, WithAnUnknownCommandNamesTheNearest) {
  EXPECT_FEWSTEP_ERROR(parse({"rnu", "a.toml"}), ExitCode::kUsage,
                       "[command line] no such command: unknown name \"rnu\"; did you mean \"run\"?");
  EXPECT_FEWSTEP_ERROR(parse({"samples", "--steps", "4"}), ExitCode::kUsage, "did you mean \"sample\"?");
  EXPECT_FEWSTEP_ERROR(parse({"Report"}), ExitCode::kUsage, "did you mean \"report\"?");
  EXPECT_FEWSTEP_ERROR(
      parse({"xylophone"}), ExitCode::kUsage,
      "known: demo, run, report, compare, gate, watch, merge, audit, sample, score, stats, distill, inspect");
  EXPECT_FEWSTEP_ERROR(parse({""}), ExitCode::kUsage, "no such command: unknown name \"\"");
}

TEST(ACommandLine, WithoutACommandIsRefused) {
  EXPECT_FEWSTEP_ERROR(parse({}), ExitCode::kUsage, "fewstep --help shows the options");
  EXPECT_FEWSTEP_ERROR(parse({"--bogus"}), ExitCode::kUsage, "fewstep --help shows the options");
}

TEST(ACommandLine, WithBothKindsOfGuidanceIsRefused) {
  EXPECT_FEWSTEP_ERROR(sample_with({"--omega", "7", "--guidance-scale", "8"}), ExitCode::kUsage,
                       "--omega excludes --guidance-scale");
  EXPECT_FEWSTEP_ERROR(sample_with({"--guidance-scale", "8", "--omega", "7"}), ExitCode::kUsage, "excludes");
}

TEST(ACommandLine, LackingWhatItsCommandNeedsIsRefused) {
  const auto lacks = [](std::vector<std::string> words, const std::string& what) {
    EXPECT_FEWSTEP_ERROR(parse(words), ExitCode::kUsage,
                         what + " is required\nfewstep " + words[0] + " --help shows the options");
  };
  lacks({"run"}, "EXPERIMENT");
  lacks({"report"}, "STORE");
  lacks({"inspect"}, "PATH");
  lacks({"stats", "-o", "x.npz"}, "IMAGES");
  lacks({"stats", "images"}, "--output");
  lacks({"score", "--metric", "fid"}, "--images");
  EXPECT_FEWSTEP_ERROR(parse({"sample", "--prompt", "a boat"}), ExitCode::kUsage, "--checkpoint is required");
  EXPECT_FEWSTEP_ERROR(parse({"sample", "--checkpoint", "lcm", "--sampler", "lcm", "-o", "out", "--omega", "0"}),
                       ExitCode::kUsage, "expected a caption, or --prompts FILE");
}

class ABadCommandLine : public testing::TestWithParam<std::pair<std::vector<std::string>, const char*>> {};

TEST_P(ABadCommandLine, IsRefusedInAtMostThreeLines) {
  const auto& [words, message] = GetParam();
  try {
    parse(words);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    const std::string what = error.what();
    EXPECT_THAT(what, HasSubstr(message));
    EXPECT_LE(std::count(what.begin(), what.end(), '\n'), 2);
  }
}

std::vector<std::string> and_sample(std::vector<std::string> more) {
  std::vector<std::string> words = kSample;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

using Bad = std::pair<std::vector<std::string>, const char*>;
INSTANTIATE_TEST_SUITE_P(
    Of, ABadCommandLine,
    testing::Values(
        Bad{{"run", "a.toml", "b.toml"}, "b.toml"}, Bad{{"run", "a.toml", "--bogus"}, "--bogus"},
        Bad{{"run", "a.toml", "--batch", "0"}, "--batch"}, Bad{{"run", "a.toml", "--batch", "9999"}, "1 to 4096"},
        Bad{{"run", "a.toml", "--batch", "x"}, "--batch"}, Bad{{"run", "a.toml", "--limit", "0"}, "--limit"},
        Bad{{"run", "a.toml", "--limit", "1.5"}, "--limit"}, Bad{{"run", "a.toml", "--set"}, "--set"},
        Bad{{"run", "a.toml", "--device", "tpu"}, "expected auto, cpu or cuda:N, got tpu"},
        Bad{{"run", "a.toml", "--device", "cuda:"}, "got cuda:"},
        Bad{{"run", "a.toml", "--device", "cuda:1x"}, "got cuda:1x"},
        Bad{{"run", "a.toml", "--device", "cuda:99999999999"}, "got cuda:99999999999"},
        Bad{{"run", "a.toml", "--dtype", "float64"}, "float32,float16,bfloat16"},
        Bad{{"report", "s", "--format", "pdf"}, "table,markdown,latex,csv,samples-csv"},
        Bad{{"report", "s", "--grid-prompts", "101"}, "--grid-prompts"},
        Bad{{"report", "s", "--run", "latest"}, "--run"},
        Bad{{"stats", "i", "-o", "x", "--crop", "left"}, "none,center"},
        Bad{and_sample({"--omega", "nan"}), "expected a number as guidance, got nan"},
        Bad{and_sample({"--guidance-scale", "nan"}), "got nan"}, Bad{and_sample({"--omega", "inf"}), "--omega"},
        Bad{and_sample({"--omega", "1e5"}), "--omega"}, Bad{and_sample({"--omega", "-1.01"}), "--omega"},
        Bad{and_sample({"--omega", "seven"}), "--omega"},
        Bad{and_sample({"--guidance-scale", "-1"}), "--guidance-scale"},
        Bad{and_sample({"--omega", "0", "--steps", "0"}), "--steps"},
        Bad{and_sample({"--omega", "0", "--steps", "1001"}), "--steps"},
        Bad{and_sample({"--omega", "0", "--seed", "-1"}), "--seed"},
        Bad{and_sample({"--omega", "0", "--seed", "9223372036854775808"}), "--seed"},
        Bad{and_sample({"--omega", "0", "--prompts", "p.txt"}), "--prompt"},
        Bad{and_sample({"--omega", "0", "--times", "999,749", "--steps", "4"}),
            "expected 4 times, one for each step, got 2: 999, 749"},
        Bad{and_sample({"--omega", "0", "--times", "249,749"}), "expected times that fall, got 749 after 249"},
        Bad{and_sample({"--omega", "0", "--times", "1000"}), "expected times from 0 to 999, got 1000"},
        Bad{and_sample({"--omega", "0", "--times", "-1"}), "got -1"},
        Bad{and_sample({"--omega", "0", "--times", "9.5"}), "--times"},
        Bad{and_sample({"--omega", "0", "--times", "999", "--spacing", "lcm"}), "--times"},
        Bad{and_sample({"--omega", "0", "--times", "999", "--original-steps", "50"}), "--times"},
        Bad{and_sample({"--omega", "0", "--spacing", "trailing"}), "expected one that lcm takes, got trailing"},
        Bad{and_sample({"--omega", "0", "--spacing", "cosine"}), "--spacing"},
        Bad{and_sample({"--omega", "0", "--final-sigma", "max"}), "zero,min"},
        Bad{{"sample", "--checkpoint", "c", "--sampler", "dmp", "--prompt", "x", "-o", "o", "--omega", "0"},
            "ddim,dpm,dpm++"},
        Bad{{"sample", "--checkpoint", "c", "--sampler", "ddim", "--prompt", "x", "-o", "o", "--omega", "0",
             "--spacing", "lcm"},
            "expected one that ddim takes, got lcm"},
        Bad{{"sample", "--checkpoint", "c", "--sampler", "guided-distill", "--prompt", "x", "-o", "o", "--omega", "0",
             "--spacing", "leading"},
            "expected one that guided-distill takes, got leading"}));

TEST(CommandLine, PrintsTheHelpThatUsersKnow) {
  std::string text = help_of({"--help"});
  for (const std::string& command : kCommands) text += "=== " + command + "\n" + help_of({command, "--help"});
  const auto path = std::filesystem::path(FEWSTEP_TEST_DATA) / "settings" / "help.txt";
  if (std::getenv("FEWSTEP_REMAKE_GOLDEN")) write_file_atomically(path, text);
  EXPECT_EQ(text, read_file(path)) << "remake with: FEWSTEP_REMAKE_GOLDEN=1 " << FEWSTEP_BINARY_DIR
                                   << "/fewstep_cli_tests, and look at the difference";
}

}  // namespace
}  // namespace fewstep
