#include "core/text.h"

#include "core/device_name.h"

#include <gtest/gtest.h>

namespace fewstep {
namespace {

TEST(InQuotes, EscapesControlCharactersAndCutsBetweenCharacters) {
  EXPECT_EQ(in_quotes("a\nb\x7f"), "\"a\\x0ab\\x7f\"");
  EXPECT_EQ(in_quotes(std::string(120, 'a')), "\"" + std::string(120, 'a') + "\"");
  EXPECT_EQ(in_quotes(std::string(121, 'a')), "\"" + std::string(120, 'a') + "…\"");
  // A character of three bytes across the limit is left out whole: half of it would be no UTF-8.
  EXPECT_EQ(in_quotes(std::string(118, 'a') + "猫猫"), "\"" + std::string(118, 'a') + "…\"");
  EXPECT_EQ(in_quotes(std::string(117, 'a') + "猫猫"), "\"" + std::string(117, 'a') + "猫…\"");
}

TEST(WholeCharacters, NeverEndInsideOne) {
  const std::string text = "aé猫😀";  // 1, 2, 3 and 4 bytes
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t bytes = 0; bytes < 12; ++bytes) EXPECT_EQ(whole_characters(text, bytes), expected[bytes]) << bytes;
}

TEST(ExtensionOf, IsInLowerCase) {
  EXPECT_EQ(extension_of("a/captions.TSV"), ".tsv");
  EXPECT_EQ(extension_of("a.b/captions"), "");
  EXPECT_EQ(lower("ÉA猫Z"), "Éa猫z");  // ASCII alone
}

TEST(DeviceNames, AreReadWithoutLibTorch) {
  using Kind = DeviceName::Kind;
  EXPECT_EQ(read_device_name("auto")->kind, Kind::kAuto);
  EXPECT_EQ(read_device_name("cpu")->kind, Kind::kCpu);
  EXPECT_EQ(read_device_name("cuda")->index, 0);
  EXPECT_EQ(read_device_name("cuda:12")->index, 12);
  for (const char* other : {"", "gpu", "cuda:", "cuda:-1", "cuda:128", "cuda:1x", "cuda:0001000000000"})
    EXPECT_FALSE(read_device_name(other)) << other;
}

}  // namespace
}  // namespace fewstep
