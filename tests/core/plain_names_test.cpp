#include "core/plain_names.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fewstep
