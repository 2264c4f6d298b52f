#include "core/plain_names.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

TEST(PlainNames, AreMadeOfWhateverAFolderIsCalled) {
  EXPECT_EQ(as_plain_name("lcm-k20_v1.5+ema"), "lcm-k20_v1.5+ema");
  EXPECT_EQ(as_plain_name("my model"), "my-model");
  EXPECT_EQ(as_plain_name("modèle"), "mod-le");
  EXPECT_EQ(as_plain_name("a/b\\c\"d,e=f\ng"), "a-b-c-d-e-f-g");
  EXPECT_EQ(as_plain_name("-o"), "o");
  EXPECT_EQ(as_plain_name("..hidden"), "hidden");
  EXPECT_EQ(as_plain_name(" 模型 2"), "2");
  EXPECT_EQ(as_plain_name("模型"), "unnamed");
  EXPECT_EQ(as_plain_name(""), "unnamed");
  EXPECT_EQ(as_plain_name("\xff\xfe x"), "x");
  for (const std::string text : {"my model", "-.-", "é", "\x80", "a b c"})
    EXPECT_TRUE(is_plain_name(as_plain_name(text)));
  EXPECT_EQ(as_plain_name(std::string(300, 'x')).size(), 100u);
}

TEST(PlainNames, AreKeptApart) {
  std::set<std::string> taken;
  EXPECT_EQ(new_plain_name("a b", taken), "a-b");
  EXPECT_EQ(new_plain_name("a-b-2", taken), "a-b-2");
  EXPECT_EQ(new_plain_name("a-b", taken), "a-b-3");
  const std::string longest(100, 'x');
  EXPECT_EQ(new_plain_name(longest, taken), longest);
  EXPECT_EQ(new_plain_name(longest, taken), std::string(98, 'x') + "-2");
  for (const std::string& name : taken) EXPECT_TRUE(is_plain_name(name)) << name;
}

TEST(PlainNames, AreToldFromOthers) {
  for (const char* name : {"a", "1", "_x", "+x", "A.b-c_d+e"}) EXPECT_TRUE(is_plain_name(name)) << name;
  for (const char* name : {"", "-a", ".a", "a b", "a/b", "é", "a\n"}) EXPECT_FALSE(is_plain_name(name)) << name;
  EXPECT_FALSE(is_plain_name(std::string(101, 'x')));
}

TEST(NamesOfFolders, AreTheLastPartsOfTheirPathsThatDiffer) {
  const auto names = [](std::vector<std::filesystem::path> folders) { return names_of_folders(folders); };
  EXPECT_THAT(names({"a/lcm", "b/teacher/"}), testing::ElementsAre("lcm", "teacher"));
  EXPECT_THAT(names({"runA/checkpoint", "runB/checkpoint"}), testing::ElementsAre("runA", "runB"));
  EXPECT_THAT(names({"runA/step-1", "runA/step-2", "runB/step-1"}),
              testing::ElementsAre("runA-step-1", "runA-step-2", "runB-step-1"));
  EXPECT_THAT(names({"a/x/model", "b/x/model"}), testing::ElementsAre("a", "b"));
  EXPECT_THAT(names({"a/lcm", "a/lcm"}), testing::ElementsAre("lcm", "lcm-2"));
  EXPECT_THAT(names({"hub/models--SimianLuo--LCM_Dreamshaper/snapshots/0123abc"}),
              testing::ElementsAre("LCM_Dreamshaper"));
  EXPECT_THAT(names({"hub/models--a--LCM/snapshots/01", "hub/models--b--SD/snapshots/23/"}),
              testing::ElementsAre("LCM", "SD"));
}

}  // namespace
}  // namespace fewstep
