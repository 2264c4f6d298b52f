#include "verdicts/printers.h"

#include "core/error.h"
#include "core/files.h"
#include "temporary.h"
#include "verdicts/compare.h"
#include "verdicts/judge.h"
#include "verdicts/two_stores.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <sstream>

namespace fewstep {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

// Verdicts of every kind: better, worse, tripped, inconclusive; markup in names.
class Printed : public testing::Test {
 protected:
  Printed() {
    ArmStore base, other;
    base.cells.clear();
    for (const int steps : {1, 2, 4, 8}) base.cells.push_back({.steps = steps});
    other.cells = base.cells;
    base.checkpoint = "lcm";
    other.checkpoint = "lcm <b>|new\x1b[31m";
    other.sha256 = std::string(64, 'd');
    base.caption = other.caption = "a <script>alert(1)</script> & \"boat\" | ";
    base.processes = other.processes = 5;
    other.ms = 90;
    base.keeps_images = other.keeps_images = true;
    other.jitter = 0.8;
    other.cells[1].clip = -0.7;
    other.cells[1].fid = 6;
    other.cells[2].clip = 1;
    other.cells[2].fid = 0.5;
    other.cells[3].trips = {{3, kOneColour}, {9, kOneColour}};
    write_arm(folder_.path() / "main.sqlite", base);
    write_arm(folder_.path() / "new.sqlite", other);
    fs::current_path(folder_.path());
    request_.baseline = "main.sqlite";
    request_.candidate = "new.sqlite";
  }
  ~Printed() override { fs::current_path(FEWSTEP_SOURCE_DIR); }

  std::string print(const std::string& format) {
    request_.format = format;
    std::ostringstream out, err;
    EXPECT_EQ(run_compare(request_, out, err), static_cast<int>(ExitCode::kRegression));
    return out.str();
  }
  void expect_golden(const std::string& name, const std::string& text) {
    const fs::path path = fs::path(FEWSTEP_TEST_DATA) / "verdicts" / name;
    if (std::getenv("FEWSTEP_REMAKE_GOLDEN")) write_file_atomically(path, text);
    EXPECT_EQ(text, read_file(path)) << "remake with: FEWSTEP_REMAKE_GOLDEN=1 " << FEWSTEP_BINARY_DIR
                                     << "/fewstep_verdicts_tests, and look at the difference";
  }

  TemporaryFolder folder_;
  CompareRequest request_;
};

TEST_F(Printed, AsATable) {
  const std::string text = print("table");
  expect_golden("comparison.txt", text);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST_F(Printed, AsMarkdownForAPullRequest) {
  const std::string text = print("markdown");
  expect_golden("comparison.md", text);
  EXPECT_EQ(text.find("<script>"), std::string::npos);
}

TEST_F(Printed, AsJson) {
  const std::string text = print("json");
  expect_golden("comparison.json", text);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("outcome"), "regression");
  EXPECT_EQ(json.at("exit_code"), 10);
}

// Every member of the JSON is one that the schema knows, and none that it requires is missing.
void expect_fits(const nlohmann::json& value, const nlohmann::json& schema, const nlohmann::json& root,
                 const std::string& place) {
  if (schema.contains("$ref")) {
    const std::string name = schema.at("$ref").get<std::string>().substr(std::string("#/$defs/").size());
    return expect_fits(value, root.at("$defs").at(name), root, place);
  }
  if (schema.contains("type")) {
    const auto types = schema.at("type").is_array() ? schema.at("type") : nlohmann::json::array({schema.at("type")});
    const std::string type = value.is_object()           ? "object"
                             : value.is_array()          ? "array"
                             : value.is_string()         ? "string"
                             : value.is_boolean()        ? "boolean"
                             : value.is_null()           ? "null"
                             : value.is_number_integer() ? "integer"
                                                         : "number";
    bool fits = false;
    for (const auto& one : types) fits = fits || one == type || (one == "number" && type == "integer");
    EXPECT_TRUE(fits) << place << " is " << type << ", expected " << types;
  }
  if (schema.contains("enum")) {
    EXPECT_THAT(schema.at("enum"), testing::Contains(value)) << place;
  }
  if (value.is_object()) {
    for (const auto& name : schema.at("required")) EXPECT_TRUE(value.contains(name)) << place << "." << name;
    for (const auto& [name, member] : value.items()) {
      ASSERT_TRUE(schema.at("properties").contains(name)) << place << "." << name;
      expect_fits(member, schema.at("properties").at(name), root, place + "." + name);
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (const auto& item : value) expect_fits(item, schema.at("items"), root, place + "[]");
  }
}

TEST_F(Printed, JsonFitsItsSchema) {
  const auto schema = nlohmann::json::parse(read_file(fs::path(FEWSTEP_SOURCE_DIR) / "docs/compare.schema.json"));
  expect_fits(nlohmann::json::parse(print("json")), schema, schema, "$");
}

TEST_F(Printed, AsJunit) {
  const std::string text = print("junit");
  expect_golden("comparison.xml", text);
  folder_.write("comparison.xml", text);
  if (std::system("command -v xmllint >/dev/null") != 0) GTEST_SKIP() << "xmllint is missing: run tools/setup.sh test";
  const std::string check = "xmllint --noout --schema " FEWSTEP_TEST_DATA "/verdicts/junit-10.xsd " +
                            (folder_.path() / "comparison.xml").string() + " 2>/dev/null";
  EXPECT_EQ(std::system(check.c_str()), 0) << check;
}

TEST_F(Printed, IntoFilesOfAnyEndingBeside) {
  for (const char* name : {"a.md", "a.json", "a.xml", "a.html", "a.txt"})
    request_.outputs.push_back(folder_.path() / name);
  print("table");
  EXPECT_THAT(read_file(folder_.path() / "a.md"), HasSubstr("### ❌ fewstep: regression"));
  EXPECT_THAT(read_file(folder_.path() / "a.json"), HasSubstr("\"outcome\": \"regression\""));
  EXPECT_THAT(read_file(folder_.path() / "a.xml"), HasSubstr("<testsuites"));
  EXPECT_THAT(read_file(folder_.path() / "a.html"), HasSubstr("<!doctype html>"));
  EXPECT_THAT(read_file(folder_.path() / "a.txt"), HasSubstr("regression: "));
}

TEST(Markdown, FitsACommentOnAPullRequestHoweverManyCells) {
  const TemporaryFolder folder;
  ArmStore base, other;
  base.prompts = other.prompts = 25;
  base.cells.clear();
  for (int steps = 1; steps <= 300; ++steps) base.cells.push_back({.steps = steps});
  other.cells = base.cells;
  other.sha256 = std::string(64, 'd');
  for (ArmCell& cell : other.cells) cell.clip = -5;
  write_arm(folder.path() / "a.sqlite", base);
  write_arm(folder.path() / "b.sqlite", other);
  CompareRequest request;
  request.baseline = (folder.path() / "a.sqlite").string();
  request.candidate = (folder.path() / "b.sqlite").string();
  request.format = "markdown";
  std::ostringstream out, err;
  run_compare(request, out, err);
  EXPECT_LT(out.str().size(), 65536u);
  EXPECT_THAT(out.str(), HasSubstr("more\n"));
  EXPECT_THAT(out.str(), HasSubstr("training seeds were not varied"));
}

}  // namespace
}  // namespace fewstep
