#include "verdicts/gate.h"

#include "core/error.h"
#include "core/files.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

class GateFile : public testing::Test {
 protected:
  Gate read(const std::string& text) { return read_gate(folder_.write("GATE.toml", text)); }
  TemporaryFolder folder_;
};

TEST_F(GateFile, HoldsMarginsCellsAndExceptions) {
  const Gate gate = read(R"(
alpha = 0.01
cells = "steps=4,8"
metrics = ["clip-score", "fid:pytorch-fid"]
unequal_noise = true
[[margin]]
metric = "clip-score"
max_regression = 0.15
[[margin]]
metric = "latency"
cells = "steps=8"
max_regression = "7.5 %"
[[allow]]
tripwire = "same"
images = 3
)");
  EXPECT_EQ(gate.alpha, 0.01);
  EXPECT_EQ(gate.cells, "steps=4,8");
  EXPECT_THAT(gate.metrics, testing::ElementsAre("clip-score", "fid:pytorch-fid"));
  EXPECT_TRUE(gate.unequal_noise);
  ASSERT_EQ(gate.margins.size(), 2u);
  EXPECT_EQ(gate.margins[0].most_worse.of(30), 0.15);
  EXPECT_DOUBLE_EQ(gate.margins[1].most_worse.of(200), 15);
  EXPECT_EQ(text_of(gate.margins[1].most_worse), "7.5 %");
  EXPECT_TRUE(gate.asks_for_latency());
  EXPECT_EQ(gate.allowed.at(0).images, 3);
}

TEST_F(GateFile, MayBeEmpty) {
  const Gate gate = read("");
  EXPECT_EQ(gate.alpha, 0.05);
  EXPECT_FALSE(gate.asks_for_latency());
  EXPECT_EQ(default_margin("clip-score").of(30), 0.2);
  EXPECT_DOUBLE_EQ(default_margin("fid").of(20), 0.6);
  EXPECT_DOUBLE_EQ(default_margin("fd-pocket").of(-20), 0.6);
  EXPECT_DOUBLE_EQ(default_margin("latency").of(100), 5);
}

TEST_F(GateFile, IsReadStrictly) {
  const auto refused = [&](const std::string& text, const std::string& what) {
    EXPECT_FEWSTEP_ERROR(read(text), ExitCode::kUsage, what);
  };
  refused("alhpa = 0.1", "did you mean \"alpha\"?");
  refused("alpha = 0.7", "alpha");
  refused("metrics = [\"clip\"]", "clip-score");
  refused("metrics = [\"latency\"]", "unknown name");
  refused("cells = \"step=4\"", "GATE.toml:1:9");
  refused("[[margin]]\nmetric = \"fid\"", "max_regression");
  refused("[[margin]]\nmetric = \"fid\"\nmax_regression = \"3\"", "GATE.toml:3:18");
  refused("[[margin]]\nmetric = \"fid\"\nmax_regression = \"x%\"", "as \"3%\"");
  refused("[[margin]]\nmetric = \"fid\"\nmax_regression = -1", "0 or more");
  refused("[[margin]]\nmetric = \"fid\"\nmax_regression = nan", "0 or more");
  refused("[[allow]]\ntripwire = \"blak\"\nimages = 1", "one-colour");
  refused("[[allow]]\ntripwire = \"same\"", "images");
  refused("[margin]\nmetric = \"fid\"", "margin");
}

TEST_F(GateFile, OfTheDocumentAndOfTheExperimentAreRead) {
  const std::filesystem::path source = FEWSTEP_SOURCE_DIR;
  const std::string document = read_file(source / "docs/gate.md");
  const auto begin = document.find("```toml\n") + 8;
  const Gate gate = read(document.substr(begin, document.find("```", begin) - begin));
  EXPECT_EQ(gate.margins.size(), 3u);
  EXPECT_EQ(gate.allowed.size(), 1u);
  EXPECT_EQ(read_gate(source / "experiments/regression/GATE.toml").margins.size(), 2u);
}

}  // namespace
}  // namespace fewstep
