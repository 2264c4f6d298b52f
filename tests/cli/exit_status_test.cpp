#include "cli/exit_status.h"

#include "core/error.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>
#include <iostream>
#include <new>

namespace fewstep {
namespace {

struct Ended {
  int code;
  std::string err;
};

Ended end_of(const std::function<int()>& body) {
  testing::internal::CaptureStderr();
  const int code = run_to_exit_code(body);
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(ExitStatus, IsTheBodysOwnWhereNothingIsThrown) {
  EXPECT_EQ(end_of([] { return 0; }).code, 0);
  EXPECT_EQ(end_of([] { return 13; }).code, 13);
  EXPECT_EQ(end_of([] { return 75; }).err, "");
}

TEST(ExitStatus, OfAnErrorIsItsCode) {
  EXPECT_EQ(end_of([]() -> int { throw usage_error("a.toml:1:2", "expected x, got y"); }).code, 2);
  EXPECT_EQ(end_of([]() -> int { throw input_error("a", "b"); }).code, 3);
  EXPECT_EQ(end_of([]() -> int { throw environment_error("a", "b"); }).code, 4);
  EXPECT_EQ(end_of([]() -> int { throw Error(ExitCode::kRegression, "a", "b"); }).code, 10);
  EXPECT_EQ(end_of([]() -> int { throw Error(ExitCode::kInconclusive, "a", "b"); }).code, 11);
  EXPECT_EQ(end_of([]() -> int { throw Error(ExitCode::kNotComparable, "a", "b"); }).code, 12);
  EXPECT_EQ(end_of([]() -> int { throw Error(ExitCode::kIncomplete, "a", "b"); }).code, 13);
  EXPECT_EQ(end_of([]() -> int { throw Error(ExitCode::kInterrupted, "a", "b"); }).code, 75);
}

TEST(ExitStatus, ComesWithTheMessageOnStandardError) {
  EXPECT_EQ(end_of([]() -> int { throw usage_error("a.toml:1:2", "expected x, got y"); }).err,
            "error: [a.toml:1:2] expected x, got y\n");
}

TEST(ExitStatus, OfWhatTheSystemRefusesIsFour) {
  const Ended memory = end_of([]() -> int { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code, 4);
  EXPECT_EQ(memory.err, "error: [memory] the system has no more; use a smaller --batch\n");
  const Ended files = end_of([] { return static_cast<int>(std::filesystem::file_size("/nowhere/at/all")); });
  EXPECT_EQ(files.code, 4);
  EXPECT_THAT(files.err, testing::HasSubstr("/nowhere/at/all"));
}

TEST(ExitStatus, OfAnythingElseIsFourWithOneLine) {
  const Ended traced = end_of([]() -> int { throw std::runtime_error("no kernel\nframe 1\nframe 2"); });
  EXPECT_EQ(traced.code, 4);
  EXPECT_EQ(traced.err, "error: [unexpected] no kernel\n");
  const Ended odd = end_of([]() -> int { throw 42; });
  EXPECT_EQ(odd.code, 4);
  EXPECT_EQ(odd.err, "error: [unexpected] an unknown exception\n");
}

// A message may quote a file.
TEST(ExitStatus, MessagesCarryNoEscapeSequences) {
  EXPECT_EQ(end_of([]() -> int { throw input_error("a\x1b[2Jb", "c\rd\x7f\ne é"); }).err,
            "error: [a?[2Jb] c?d?\ne é\n");
}

TEST(Results, ThatCannotBeWrittenAreAnError) {
  std::ofstream full("/dev/full");
  if (!full) GTEST_SKIP() << "no /dev/full here";
  std::streambuf* const before = std::cout.rdbuf(full.rdbuf());
  std::cout << "results";
  const Ended lost = end_of([] {
    flush_results();
    return 0;
  });
  std::cout.rdbuf(before);
  std::cout.clear();
  EXPECT_EQ(lost.code, 4);
  EXPECT_THAT(lost.err, testing::HasSubstr("[standard output] cannot be written"));
}

TEST(Results, ThatAreWrittenAreNone) { EXPECT_NO_THROW(flush_results()); }

}  // namespace
}  // namespace fewstep
