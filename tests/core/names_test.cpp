#include "core/names.h"

#include <gtest/gtest.h>

#include <array>

namespace fewstep {
namespace {

using namespace std::string_view_literals;
constexpr std::array kNames{"ddim"sv, "dpm"sv, "dpm++"sv, "guided-distill"sv, "lcm"sv};

TEST(NearestName, UndoesATypingError) {
  EXPECT_EQ(nearest_name("ddmi", kNames), "ddim");
  EXPECT_EQ(nearest_name("guided_distill", kNames), "guided-distill");
  EXPECT_EQ(nearest_name("dpm+", kNames), "dpm");
  EXPECT_EQ(nearest_name("lcm", kNames), "lcm");
}

TEST(NearestName, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("euler-ancestral", kNames), "");
  EXPECT_EQ(nearest_name("ddim", std::span<const std::string_view>()), "");
}

TEST(NearestName, TakesStringsToo) {
  const std::vector<std::string> names{"TEXT", "URL"};
  EXPECT_EQ(nearest_name("TXT", names), "TEXT");
}

TEST(UnknownName, NamesTheNearestAndAllKnown) {
  EXPECT_EQ(unknown_name("ddmi", kNames),
            "unknown name \"ddmi\"; did you mean \"ddim\"? Known: ddim, dpm, dpm++, guided-distill, lcm");
  EXPECT_EQ(unknown_name("euler-ancestral", kNames),
            "unknown name \"euler-ancestral\"; known: ddim, dpm, dpm++, guided-distill, lcm");
}

TEST(Listed, NamesAreAPhrase) {
  EXPECT_EQ(listed({}, "or"), "");
  EXPECT_EQ(listed(std::array<std::string_view, 1>{"a"}, "or"), "a");
  EXPECT_EQ(listed(std::array<std::string_view, 3>{"a", "b", "c"}, "or"), "a, b or c");
}

}  // namespace
}  // namespace fewstep
