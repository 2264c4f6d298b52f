// Verdicts on trained checkpoints: the same one, a damaged one, other noise, a run that was killed, another student,
// images made elsewhere, and everything that must never pass.
#include "harness/program.h"
#include "images/files.h"
#include "models/weights.h"
#include "temporary.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace fewstep {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int kPrompts = 96;

class PocketVerdict : public testing::Test {
 protected:
  // A run of four cells: both students at one and four steps.
  Finished run(const std::string& name, const std::vector<std::string>& options = {}, int prompts = kPrompts,
               const std::function<void(int)>& meanwhile = {}) {
    std::vector<std::string> arguments{"run",      std::string(FEWSTEP_SOURCE_DIR) + "/experiments/pocket.toml",
                                       "--store",  store(name),
                                       "--device", "cpu",
                                       "--limit",  std::to_string(prompts),
                                       "--set",    "timing={repetitions=1, warmup=0}"};
    if (std::find(options.begin(), options.end(), "--only") == options.end())
      arguments.insert(arguments.end(), {"--only", "sampler=lcm,guided-distill steps=1,4"});
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments, {}, meanwhile);
  }
  std::string store(const std::string& name) const { return (folder_.path() / (name + ".sqlite")).string(); }

  struct Compared {
    int code = 0;
    json result;
    std::string err;
  };
  Compared compare(const std::string& baseline, const std::string& candidate,
                   const std::vector<std::string>& options = {}, const std::string& command = "compare") {
    std::vector<std::string> arguments{command, baseline, candidate, "--format", "json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished finished = run_program("fewstep", arguments);
    return {finished.code, json::parse(finished.out, nullptr, false), finished.err};
  }
  static std::map<std::string, std::string> verdicts(const json& result) {
    std::map<std::string, std::string> all;
    for (const json& row : result.at("comparisons"))
      if (row.at("metric") != "latency")
        all[row.at("cell").get<std::string>() + " " + row.at("metric").get<std::string>()] = row.at("verdict");
    return all;
  }

  // A copy of the pocket LCM whose network was changed.
  fs::path changed_lcm(const std::string& name, const std::string& network,
                       const std::function<void(std::map<std::string, Tensor>&)>& change) {
    const fs::path copy = folder_.path() / name;
    fs::copy(fs::path(FEWSTEP_SOURCE_DIR) / "pocket" / "lcm", copy, fs::copy_options::recursive);
    const fs::path file = copy / network / "diffusion_pytorch_model.safetensors";
    auto tensors = load_tensors(file);
    for (auto& [key, tensor] : tensors) tensor = tensor.clone();
    change(tensors);
    fs::remove(file);
    save_tensors(file, tensors);
    return copy;
  }
  std::vector<std::string> with_lcm(const fs::path& folder) const {
    return {"--set", "checkpoint.lcm.path=\"" + folder.string() + "\""};
  }

  TemporaryFolder folder_;
};

TEST_F(PocketVerdict, OfTheSameCheckpointIsAPassAndOfADamagedOneARegressionAtItsCells) {
  ASSERT_EQ(run("main").code, 0);
  ASSERT_EQ(run("same").code, 0);
  const Compared same = compare(store("main"), store("same"));
  EXPECT_EQ(same.code, 0) << same.err;
  for (const auto& [row, verdict] : verdicts(same.result)) EXPECT_EQ(verdict, "identical") << row;

  // 8 % of each tensor's own spread.
  const auto noisy = changed_lcm("noisy", "unet", [](auto& tensors) {
    const auto generator = at::detail::createCPUGenerator(7);
    for (auto& [name, tensor] : tensors) {
      const Tensor wide = tensor.to(at::kFloat);
      tensor = (wide + 0.08 * wide.std() * at::randn(wide.sizes(), generator, at::kFloat)).to(tensor.scalar_type());
    }
  });
  ASSERT_EQ(run("noisy", with_lcm(noisy)).code, 0);
  const Compared worse = compare(store("main"), store("noisy"));
  EXPECT_EQ(worse.code, 10) << worse.err;
  for (const auto& [row, verdict] : verdicts(worse.result)) {
    if (row.starts_with("guided-distill"))
      EXPECT_EQ(verdict, "identical") << row;
    else if (row.starts_with("lcm · 1 step"))
      EXPECT_EQ(verdict, "regressed") << row;
    else  // which takes more prompts to be sure
      EXPECT_THAT(verdict, testing::AnyOf("regressed", "inconclusive")) << row;
  }

  const fs::path junit = folder_.path() / "junit.xml", page = folder_.path() / "verdict.html";
  EXPECT_EQ(compare(store("main"), store("noisy"), {"-o", junit, "-o", page}, "gate").code, 10);
  EXPECT_TRUE(fs::exists(junit) && fs::exists(page));
  EXPECT_EQ(compare(store("main"), store("noisy"), {"--only", "sampler=guided-distill"}).code, 0);

  // Pictures that were not kept are named as such, and made when they are asked for.
  const auto images = [&](const std::string& command, const std::vector<std::string>& options) {
    auto arguments = std::vector<std::string>{command, store("main"), store("noisy"), "--format", "html"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const std::string html = run_program("fewstep", arguments).out;
    std::size_t count = 0;
    for (auto at = html.find("data:image/png"); at != std::string::npos; at = html.find("data:image/png", at + 1))
      ++count;
    return std::pair(count, html.find("class=\"absent\">") != std::string::npos);
  };
  EXPECT_TRUE(images("compare", {}).second);
  const auto remade = images("gate", {"--remake-pictures"});
  EXPECT_FALSE(remade.second);
  EXPECT_GE(remade.first, 12u);
  for (const char* arm : {"main", "noisy"}) {
    const Finished audit = run_program("fewstep", {"audit", store(arm), "--images", "8", "--device", "cpu"});
    EXPECT_EQ(audit.code, 0) << audit.err;
    EXPECT_THAT(audit.out, testing::Not(HasSubstr("within rounding")));
  }

  ASSERT_EQ(run("seed", {"--set", "seed=1"}).code, 0);
  const Compared seed = compare(store("main"), store("seed"));
  EXPECT_EQ(seed.code, 12);
  EXPECT_THAT(seed.result.at("not_comparable"), Contains(HasSubstr("initial latents differ")));
  EXPECT_NE(compare(store("main"), store("seed"), {"--unequal-noise"}).code, 12);
  ASSERT_EQ(run("fewer", {}, kPrompts - 16).code, 0);
  EXPECT_EQ(compare(store("main"), store("fewer")).code, 12);

  const Finished killed = run("killed", {}, kPrompts, [&](int pid) {
    while (!fs::exists(store("killed"))) ::usleep(20'000);
    ::usleep(600'000);
    ::kill(pid, SIGKILL);
  });
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  EXPECT_EQ(compare(store("main"), store("killed")).code, 13);
}

TEST_F(PocketVerdict, OfOneStudentAgainstTheOtherAgreesWithTheTableOfThreeSeeds) {
  ASSERT_EQ(run("main").code, 0);
  const Compared students = compare(store("main") + "#lcm", store("main") + "#guided-distill");
  EXPECT_THAT(students.code, testing::AnyOf(0, 10, 11)) << students.err;
  EXPECT_THAT(students.result.at("notes"), Contains(HasSubstr("sampler: lcm in the baseline, guided-distill")));
  // results/pocket/paired.md: guided-distill is the worse one wherever there is an order.
  for (const auto& [row, verdict] : verdicts(students.result)) EXPECT_NE(verdict, "improved") << row;
  for (const auto& [row, verdict] : verdicts(compare(store("main") + "#guided-distill", store("main") + "#lcm").result))
    EXPECT_NE(verdict, "regressed") << row;
}

TEST_F(PocketVerdict, OfABlackDecoderOrANanWeightIsNoPassWithTheCount) {
  const std::vector<std::string> only{"--only", "sampler=lcm steps=4"};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.end(), only.begin(), only.end());
    return options;
  };
  ASSERT_EQ(run("main", only, 32).code, 0);
  const auto black = changed_lcm("black", "vae", [](auto& tensors) {
    tensors.at("decoder.conv_out.weight").zero_();
    tensors.at("decoder.conv_out.bias").fill_(-9);
  });
  ASSERT_EQ(run("black", with(with_lcm(black)), 32).code, 0);
  const Compared dark = compare(store("main"), store("black"), {}, "gate");
  EXPECT_EQ(dark.code, 10);
  ASSERT_GE(dark.result.at("tripwires").size(), 1u);
  const auto wires = dark.result.at("tripwires");
  EXPECT_THAT(wires, Contains(testing::Truly([](const json& wire) {
                return wire.at("tripwire") == "one-colour" && wire.at("candidate") == 32 && wire.at("new") == 32;
              })));
  const Finished table = run_program("fewstep", {"report", store("black")});
  EXPECT_THAT(table.out, HasSubstr("Images that trip a wire"));
  EXPECT_THAT(table.out, HasSubstr("32 one-colour"));

  const auto nan = changed_lcm("nan", "unet", [](auto& tensors) {
    tensors.at("conv_in.weight").view({-1})[0] = std::numeric_limits<float>::quiet_NaN();
  });
  EXPECT_EQ(run("nan", with(with_lcm(nan)), 32).code, 13);
  const Compared broken = compare(store("main"), store("nan"), {}, "gate");
  EXPECT_EQ(broken.code, 13);
  EXPECT_THAT(broken.result.at("incomplete"), Contains(HasSubstr("NaN or infinity in 32 of 32 images")));
}

TEST_F(PocketVerdict, OfImagesMadeElsewhereIsReachedLikeAnyOther) {
  ASSERT_EQ(run("main", {"--only", "sampler=lcm steps=4", "--set", "images.keep=64"}, 64).code, 0);
  const fs::path kept = folder_.path() / "main.images", other = folder_.path() / "engine";
  // Another engine's images of the same captions: half of them, in their order, a little darker.
  std::ifstream captions(kept / "captions.csv");
  std::string line;
  std::getline(captions, line);
  fs::create_directories(folder_.path() / "ours");
  fs::create_directories(other);
  std::ofstream texts(folder_.path() / "captions.txt");
  int count = 0;
  for (; std::getline(captions, line); ++count) {
    std::erase(line, '"');
    const auto comma = line.find(',');
    const std::string rest = line.substr(comma + 1);
    texts << rest.substr(0, rest.find(',')) << "\n";
    Image image = read_image(kept / line.substr(0, comma));
    const std::string name = std::to_string(1000 + count) + ".png";
    write_png(folder_.path() / "ours" / name, image);
    for (auto& level : image.rgb) level = static_cast<std::uint8_t>(level * 0.98);
    if (count % 20 == 0) std::fill(image.rgb.begin(), image.rgb.end(), 128);  // 5 %
    write_png(other / name, image);
  }
  texts.close();
  ASSERT_EQ(count, 64);
  const auto score = [&](const std::string& name, const fs::path& images, const std::string& prompts = "captions.txt") {
    return run_program("fewstep", {"score", "--store", store("arms"), "--name", name, "--images", images, "--prompts",
                                   folder_.path() / prompts, "--metric", "clip-score", "--clip",
                                   std::string(FEWSTEP_SOURCE_DIR) + "/pocket/clip", "--device", "cpu"});
  };
  const Finished ours = score("ours", folder_.path() / "ours");
  ASSERT_EQ(ours.code, 0) << ours.err;
  ASSERT_EQ(score("engine", other).code, 0);
  ASSERT_EQ(score("again", folder_.path() / "ours").code, 0);
  EXPECT_EQ(compare(store("arms") + "#ours", store("arms") + "#again").code, 0);
  const Compared grey = compare(store("arms") + "#ours", store("arms") + "#engine", {}, "gate");
  EXPECT_EQ(grey.code, 10) << grey.err;
  EXPECT_EQ(grey.result.at("tripwires").at(0).at("candidate"), 4);
  EXPECT_THAT(grey.result.at("notes"), Contains(HasSubstr("initial latents of an arm are not known")));
  EXPECT_EQ(grey.result.at("comparisons").at(0).at("verdict"), "tripped");

  folder_.write("named.csv", "file,text\nnone.png,a red circle\n");
  const Finished unmatched = score("unmatched", other, "named.csv");
  EXPECT_EQ(unmatched.code, 3);
  EXPECT_THAT(unmatched.err, HasSubstr("named.csv"));
  EXPECT_EQ(run_program("fewstep", {"score", "--store", store("arms"), "--images", other, "--metric", "clip-score",
                                    "--clip", std::string(FEWSTEP_SOURCE_DIR) + "/pocket/clip"})
                .code,
            2);
}

TEST_F(PocketVerdict, MeasuresTimesInTurnAndTheNoiseFloorWhenAsked) {
  const std::vector<std::string> only{"--only", "sampler=lcm steps=1"};
  ASSERT_EQ(run("main", only, 32).code, 0);
  ASSERT_EQ(run("same", only, 32).code, 0);
  const Compared timed = compare(store("main"), store("same"), {"--retime", "--processes", "5"});
  EXPECT_THAT(timed.code, testing::AnyOf(0, 10, 11)) << timed.err;
  for (const json& row : timed.result.at("comparisons")) {
    if (row.at("metric") == "latency") {
      EXPECT_EQ(row.at("units"), 6) << "five beside the run's own";
      EXPECT_TRUE(row.at("counts"));
    } else {
      EXPECT_EQ(row.at("verdict"), "identical");
    }
  }
  const Compared strict = compare(store("main"), store("same"), {"--noise-floor"}, "gate");
  EXPECT_EQ(strict.code, 2);
  EXPECT_THAT(strict.err, HasSubstr("expected a margin of at least the noise floor"));
  const fs::path gate = folder_.write("GATE.toml",
                                      "[[margin]]\nmetric = \"clip-score\"\nmax_regression = 20\n"
                                      "[[margin]]\nmetric = \"fd-pocket\"\nmax_regression = 900\n"
                                      "[[margin]]\nmetric = \"latency\"\nmax_regression = \"300%\"\n");
  const Compared wide = compare(store("main"), store("same"), {"--noise-floor", "--gate", gate}, "gate");
  EXPECT_EQ(wide.code, 0) << wide.err;
  EXPECT_GT(wide.result.at("comparisons").at(0).at("noise_floor"), 0);
}

}  // namespace
}  // namespace fewstep
