// What people type who know other tools, and what a short command line stands for.
#include "checkpoints/checkpoint_info.h"
#include "cli/option_aliases.h"
#include "cli/short_run.h"
#include "core/error.h"
#include "core/files.h"
#include "settings/experiment.h"
#include "settings/weights.h"
#include "temporary.h"
#include "words.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kPocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";

template <typename Request>
Request parse_as(const std::vector<std::string>& words) {
  std::ostringstream out;
  return std::get<Request>(parse_words(words, out));
}

TEST(WhatPeopleType, IsTakenForOurOptions) {
  const auto sample =
      parse_as<SampleRequest>({"sample", "lcm", "a boat", "--num_inference_steps=2", "--cfg", "8.5", "--torch-dtype",
                               "torch.bfloat16", "--device", "GPU:1", "--batch-size", "3", "--output_dir", "out"});
  EXPECT_EQ(sample.checkpoint, "lcm");
  EXPECT_EQ(sample.prompt, "a boat");
  EXPECT_EQ(sample.steps, 2);
  EXPECT_EQ(sample.guidance, (Guidance{7.5, true}));
  EXPECT_EQ(sample.dtype, "bfloat16");
  EXPECT_EQ(sample.device, "cuda:1");
  EXPECT_EQ(sample.batch, 3);
  EXPECT_EQ(sample.output, "out");
  for (const auto& [typed, ours] :
       {std::pair{"fp16", "float16"}, {"half", "float16"}, {"BF16", "bfloat16"}, {"fp32", "float32"}})
    EXPECT_EQ(our_dtype(typed), ours);
  for (const auto& [typed, ours] : {std::pair{"gpu", "cuda"}, {"0", "cuda:0"}, {"CPU", "cpu"}, {"cuda:2", "cuda:2"}})
    EXPECT_EQ(our_device(typed), ours);
}

TEST(WhatPeopleType, MayBeTheNameOfAnOptionThatAnotherCommandHas) {
  EXPECT_EQ(parse_as<SampleRequest>({"sample", "--model", "lcm", "--prompt", "x"}).checkpoint, "lcm");
  EXPECT_EQ(parse_as<RunRequest>({"run", "a.toml", "--num-prompts", "7"}).limit, 7);
  std::ostringstream out;
  EXPECT_FEWSTEP_ERROR(parse_words({"report", "a.sqlite", "--model", "lcm"}, out), ExitCode::kUsage,
                       "no such option of fewstep report: --model");
}

TEST(AnUnknownOption, GetsTheNearestOne) {
  std::ostringstream out;
  EXPECT_FEWSTEP_ERROR(parse_words({"run", "a.toml", "--limt", "3"}, out), ExitCode::kUsage,
                       "no such option of fewstep run: --limt; did you mean --limit?\nfewstep run --help");
  EXPECT_FEWSTEP_ERROR(parse_words({"score", "out", "--refrence=x"}, out), ExitCode::kUsage,
                       "did you mean --reference?");
}

TEST(Score, TakesTwoFoldersAndSeveralMetricsAtOnce) {
  const auto score = parse_as<ScoreRequest>({"score", "out", "coco.npz", "--metric", "fid,clip-score"});
  EXPECT_EQ(score.images, "out");
  EXPECT_EQ(score.reference, "coco.npz");
  EXPECT_THAT(score.metrics, ElementsAre("fid", "clip-score"));
  EXPECT_TRUE(parse_as<ScoreRequest>({"score", "out", "coco.npz"}).metrics.empty());
}

TEST(Run, TakesAFileOrCheckpointsWithCaptions) {
  const auto file = parse_as<RunRequest>({"run", "a.toml"});
  EXPECT_EQ(file.experiment, "a.toml");
  EXPECT_TRUE(file.short_run.checkpoints.empty());
  const auto run =
      parse_as<RunRequest>({"run", "lcm", "teacher", "--prompts", "shapes", "--steps", "1,4", "--omega", "3"});
  EXPECT_THAT(run.short_run.checkpoints, ElementsAre("lcm", "teacher"));
  EXPECT_THAT(run.short_run.steps, ElementsAre(1, 4));
  EXPECT_EQ(run.short_run.guidance, (Guidance{3, false}));
  std::ostringstream out;
  EXPECT_FEWSTEP_ERROR(parse_words({"run", "lcm"}, out), ExitCode::kUsage, "expected --prompts FILE");
  EXPECT_FEWSTEP_ERROR(parse_words({"run", "a.toml", "--steps", "4"}, out), ExitCode::kUsage, "--set changes a key");
}

struct ShortRuns : testing::Test {
  void SetUp() override {
    for (const char* variable : {"FEWSTEP_WEIGHTS", "XDG_CONFIG_HOME"}) ::unsetenv(variable);
    ::setenv("HOME", folder.path().c_str(), 1);
  }
  ShortRun given() const {
    ShortRun run;
    run.checkpoints = {kPocket / "lcm", kPocket / "teacher/", kPocket / "guided-distill/4-steps"};
    run.prompts = "shapes";
    run.reference = kPocket / "reference.npz";
    run.networks = {{"fd-pocket", kPocket / "features"}, {"clip-score", kPocket / "clip"}};
    return run;
  }
  TemporaryFolder folder;
};

TEST_F(ShortRuns, StandForAnExperimentByWhatTheCheckpointsAre) {
  RunRequest request;
  request.short_run = given();
  request.store = folder.path() / "r/all.sqlite";
  std::ostringstream messages;
  request = written_out(request, &messages);
  EXPECT_EQ(request.experiment, folder.path() / "r/all.toml");
  EXPECT_THAT(messages.str(), HasSubstr(read_file(request.experiment)));
  const Experiment experiment = read_experiment(request.experiment);
  EXPECT_EQ(experiment.name, "lcm+teacher+4-steps");
  ASSERT_EQ(experiment.checkpoints.size(), 3U);
  EXPECT_THAT(experiment.checkpoints[0].samplers, ElementsAre("lcm"));
  EXPECT_THAT(experiment.checkpoints[1].samplers, ElementsAre("ddim", "dpm", "dpm++"));
  EXPECT_EQ(experiment.checkpoints[1].name, "teacher");
  EXPECT_THAT(experiment.checkpoints[2].steps, ElementsAre(4)) << "which it was trained for";
  EXPECT_THAT(experiment.steps, ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(experiment.checkpoints[0].guidance, ElementsAre(Guidance{1.5, false})) << "the middle of 0 to 3";
  EXPECT_THAT(experiment.checkpoints[1].guidance, ElementsAre(Guidance{6.5, true})) << "diffusers' default";
  EXPECT_THAT(messages.str(), HasSubstr(".toml, under different guidance: lcm omega 1.5, teacher guidance_scale 7.5, "
                                        "4-steps omega 1.5:\n"));
  ASSERT_EQ(experiment.metrics.size(), 2U);
  EXPECT_EQ(experiment.metrics[0].name, "clip-score");
  EXPECT_EQ(experiment.metrics[1].network, kPocket / "features");
  EXPECT_EQ(experiment.reference_statistics, kPocket / "reference.npz");
  EXPECT_TRUE(experiment.timing);
  EXPECT_EQ(written_out(request, nullptr).experiment, request.experiment) << "again, over its own";
}

TEST_F(ShortRuns, TakeOneGuidanceWhereItIsGivenOrEqual) {
  ShortRun run = given();
  run.guidance = Guidance{3, false};
  EXPECT_EQ(experiment_of(run, "x", true).guidance, "");
  EXPECT_THAT(experiment_of(run, "x", true).toml, HasSubstr("\nomega = [3]   # guidance_scale = 1 + omega\n"));
  run.guidance.reset();
  run.checkpoints = {kPocket / "lcm"};
  EXPECT_EQ(experiment_of(run, "x", true).guidance, "");
  EXPECT_THAT(experiment_of(run, "x", true).toml, HasSubstr("\nomega = [1.5]"));
}

TEST_F(ShortRuns, NeverWriteOverAPersonsExperiment) {
  RunRequest request;
  request.short_run = given();
  request.store = folder.path() / "mine.sqlite";
  write_file_atomically(folder.path() / "mine.toml", std::string_view("name = \"mine\"\n"));
  EXPECT_FEWSTEP_ERROR(written_out(request, nullptr), ExitCode::kUsage, "a person wrote it");
  EXPECT_EQ(read_file(folder.path() / "mine.toml"), "name = \"mine\"\n");
}

// The layouts of huggingface_hub and torch.hub.
TEST_F(ShortRuns, FindNetworksInTheCachesOfOtherPackages) {
  const auto hub = folder.path() / ".cache/huggingface/hub/models--openai--clip-vit-large-patch14/snapshots/32bd";
  for (const char* name : {"config.json", "model.safetensors"})
    folder.write(hub.lexically_relative(folder.path()) / name, "{}");
  EXPECT_EQ(find_network(kClipModel, {}), hub);
  const auto torch = folder.write(".cache/torch/hub/checkpoints/pt_inception-2015-12-05-6726825d.pth", "");
  EXPECT_EQ(find_network(kInception, {}), "") << "a pickle is never read";
  EXPECT_THAT(how_to_name(kInception), HasSubstr(torch.string()));
  EXPECT_THAT(how_to_name(kInception), HasSubstr("s.save_file("));
  const auto converted = folder.write(".cache/torch/hub/checkpoints/pt_inception-2015-12-05-6726825d.safetensors", "");
  EXPECT_EQ(find_network(kInception, {}), converted);
  std::filesystem::remove(hub / "model.safetensors");
  EXPECT_EQ(find_network(kClipModel, {}), "");
}

TEST_F(ShortRuns, WithoutANetworkSayHowToNameOne) {
  ShortRun run = given();
  run.networks.clear();
  EXPECT_FEWSTEP_ERROR(experiment_of(run, "x", true), ExitCode::kUsage,
                       "# no fid: --inception names it; or $FEWSTEP_WEIGHTS");
  EXPECT_THAT(experiment_of(run, "x", false).toml, HasSubstr("# no clip-score: --clip names it"));
  run.networks = {{"fid", folder.path() / "i.safetensors"}};
  run.reference.clear();
  EXPECT_THAT(experiment_of(run, "x", false).toml, HasSubstr("# no fid: --reference names images or statistics"));
}

TEST_F(ShortRuns, InitWritesAFileOnceUnlessItIsForced) {
  InitRequest request{given(), folder.path() / "x.toml", false};
  std::ostringstream out;
  run_init(request, out);
  EXPECT_EQ(read_experiment(request.output).checkpoints.size(), 3U);
  EXPECT_FEWSTEP_ERROR(run_init(request, out), ExitCode::kUsage, "is there already");
  request.force = true;
  run_init(request, out);
}

TEST_F(ShortRuns, InitWritesWhatRunReadsWhateverTheFoldersAreCalled) {
  InitRequest request{given(), folder.path() / "odd.toml", true};
  request.short_run.checkpoints.clear();
  for (const std::string name : {"my model", "my-model", "modèle", "-o", "a=b,c", "模型", "a\"b'c", "a\\b"}) {
    std::filesystem::create_directory_symlink(kPocket / "lcm", folder.path() / name);
    request.short_run.checkpoints.push_back(folder.path() / name);
  }
  const std::string longest(250, 'x');
  std::filesystem::create_directory_symlink(kPocket / "lcm", folder.path() / longest);
  request.short_run.checkpoints.push_back(folder.path() / longest);
  std::ostringstream out;
  run_init(request, out);
  std::set<std::string> names;
  for (const auto& checkpoint : read_experiment(request.output).checkpoints) names.insert(checkpoint.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("my-model", "my-model-2", "mod-le", "o", "a-b-c", "unnamed",
                                                   "a-b-c-2", "a-b", std::string(100, 'x')));
  const auto all = request.short_run.checkpoints;
  for (const auto& checkpoint : all) {  // alone, it names the experiment
    request.short_run.checkpoints = {checkpoint};
    run_init(request, out);
    EXPECT_NO_THROW(read_experiment(request.output)) << checkpoint;
  }
}

TEST_F(ShortRuns, FindWeightsByNameInTheirFolderAndInTheUsersConfiguration) {
  const NetworkSlot& inception = kMetrics[0].network;
  const auto weights = folder.path() / "weights", other = folder.path() / "other";
  make_folders(weights);
  make_folders(other);
  EXPECT_EQ(find_network(inception, {}), "");
  write_file_atomically(weights / "pt_inception-2015-12-05-6726825d.safetensors", std::string_view("x"));
  ::setenv("FEWSTEP_WEIGHTS", (other.string() + ":" + weights.string()).c_str(), 1);
  EXPECT_EQ(find_network(inception, {}), weights / "pt_inception-2015-12-05-6726825d.safetensors");
  make_folders(folder.path() / ".config");
  write_file_atomically(folder.path() / ".config/fewstep.toml",
                        std::string_view("[weights]\ninception = \"../mine.safetensors\"\n"));
  EXPECT_EQ(find_network(inception, {}), folder.path() / "mine.safetensors") << "relative to the file";
  write_file_atomically(other / "fewstep.toml", std::string_view("[weights]\ninception = \"near.safetensors\"\n"));
  EXPECT_EQ(find_network(inception, other), other / "near.safetensors") << "beside the experiment";
  write_file_atomically(other / "fewstep.toml", std::string_view("[weights]\ninceptoin = \"x\"\n"));
  EXPECT_FEWSTEP_ERROR(find_network(inception, other), ExitCode::kUsage, "inception");
}

TEST(Keystrokes, AreOfCommandsThatWork) {
  std::istringstream lines(read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "docs/keystrokes.md"));
  int commands = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.rfind("| `fewstep ");
    if (begin == std::string::npos) continue;
    const std::string command = line.substr(begin + 11, line.rfind('`') - begin - 11);
    std::ostringstream out;
    EXPECT_NO_THROW(EXPECT_NE(parse_words(shell_words(command), out).index(), 0U)) << command;
    ++commands;
  }
  EXPECT_EQ(commands, 10);
}

// Every command of the transcript is one, but for those that it shows being refused.
TEST(FirstHour, IsOfCommandsThatAreThere) {
  std::istringstream lines(read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "docs/first-hour.md"));
  int commands = 0, refused = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find("fewstep ");
    if (!line.starts_with("$ ") || begin == std::string::npos) continue;
    std::ostringstream out;
    try {
      EXPECT_NE(parse_words(shell_words(line.substr(begin + 8)), out).index(), 0U) << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage) << line;
      ++refused;
    }
    ++commands;
  }
  EXPECT_GE(commands, 20);
  EXPECT_EQ(refused, 2) << "--metric and --promts";
}

TEST(Completion, NamesCommandsOptionsAndChoices) {
  for (const std::string shell : {"bash", "zsh"}) {
    std::ostringstream out;
    EXPECT_EQ(std::get<int>(parse_words({"completion", shell}, out)), 0);
    EXPECT_THAT(out.str(), HasSubstr("compgen -W 'demo run report"));
    EXPECT_THAT(out.str(), HasSubstr("'sample --sampler') words='ddim dpm dpm++ guided-distill lcm'"));
    EXPECT_THAT(out.str(), HasSubstr("--contact-sheet"));
    EXPECT_EQ(out.str().starts_with("#compdef fewstep"), shell == "zsh");
  }
}

// bash itself answers for "fewstep CO" and "fewstep report --format html"'s beginnings.
TEST(Completion, IsWhatBashCompletes) {
  TemporaryFolder folder;
  std::ostringstream script;
  parse_words({"completion", "bash"}, script);
  write_file_atomically(folder.path() / "c.bash", script.str());
  const auto completed = [&](const std::string& words) {
    const std::string command = "bash -c 'source " + (folder.path() / "c.bash").string() + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _fewstep; echo \"${COMPREPLY[*]}\"' > " +
                                (folder.path() / "out").string();
    EXPECT_EQ(std::system(command.c_str()), 0);
    return read_file(folder.path() / "out");
  };
  EXPECT_EQ(completed("fewstep co"), "compare completion\n");
  EXPECT_EQ(completed("fewstep report --format h"), "html\n");
  EXPECT_EQ(completed("fewstep sample --final-s"), "--final-sigma\n");
}

}  // namespace
}  // namespace fewstep
