#include "warnings.h"
#include "core/error.h"
#include "core/left_out.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;

TEST(WarningsOfAProcess, AreToldOnceAndWithoutControlCharacters) {
  const Warnings warnings;
  warn("a.json", "ignored: \x1b[31mkey");
  warn("a.json", "ignored: \x1b[31mkey");
  EXPECT_EQ(warnings.text(), "warning: [a.json] ignored: ?[31mkey\n");
}

TEST(WarningsOfAProcess, OfOneKindAreTen) {
  const Warnings warnings;
  for (int i = 0; i < 12; ++i) warn(std::to_string(i) + ".jpg", "libjpeg: " + std::to_string(i) + " extraneous bytes");
  EXPECT_THAT(warnings.text(), HasSubstr("[9.jpg]"));
  EXPECT_THAT(warnings.text(), testing::Not(HasSubstr("[10.jpg]")));
  EXPECT_THAT(warnings.text(), testing::EndsWith("warning: more of the kind are not told\n"));
}

TEST(LeftOutSamples, AreCountedAndTenNamed) {
  LeftOut left_out("shard.tar", 0.5);
  for (int i = 0; i < 12; ++i) left_out.add("sample " + std::to_string(i));
  const Warnings warnings;
  left_out.finish(24, "samples");
  EXPECT_THAT(warnings.text(), HasSubstr("[shard.tar] 12 of 24 samples left out:\n  sample 0\n"));
  EXPECT_THAT(warnings.text(), HasSubstr("  sample 9\n  and 2 more\n"));
  EXPECT_FEWSTEP_ERROR(left_out.finish(23, "samples"), ExitCode::kInput,
                       "at most 11 cannot be used, got 12 of 23 samples");
}

TEST(LeftOutSamples, MayBeAFewInAnyCaseButNotAll) {
  LeftOut left_out("shard.tar", 0);
  left_out.add("sample 0");
  const Warnings warnings;
  EXPECT_FEWSTEP_ERROR(left_out.finish(5, "samples"), ExitCode::kInput, "at most 0");
  left_out.finish(5, "samples", 1);
  EXPECT_FEWSTEP_ERROR(left_out.finish(1, "samples", 1), ExitCode::kInput, "got 1 of 1 samples");
}

TEST(LeftOutSamples, NameNoOptionWhereThereIsNone) {
  LeftOut left_out("captions.txt", 0, /*can_raise=*/false);
  left_out.add("line 1");
  try {
    left_out.finish(5, "captions");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("that cannot; replace them:"));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("max_left_out")));
  }
}

}  // namespace
}  // namespace fewstep
