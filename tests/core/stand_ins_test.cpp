#include "core/stand_ins.h"

#include "core/error.h"
#include "core/files.h"
#include "temporary.h"

#include <gtest/gtest.h>

namespace fewstep {
namespace {

constexpr const char* kPointer =
    "version https://git-lfs.github.com/spec/v1\noid "
    "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n";

TEST(StandIns, OfGitLfsAreNamedWithTheCommandThatFetchesTheFile) {
  const TemporaryFolder folder;
  const auto pointer = folder.write("model_index.json", kPointer);
  EXPECT_FEWSTEP_ERROR(refuse_stand_in(pointer), ExitCode::kInput, "git lfs pull");
  EXPECT_FEWSTEP_ERROR(read_file(pointer), ExitCode::kInput, "model_index.json] is a Git LFS pointer");
}

TEST(StandIns, ThatAreLinksToNothingAreNamedWithTheirTarget) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("../blobs/5c5f", folder.path() / "config.json");
  EXPECT_FEWSTEP_ERROR(read_file(folder.path() / "config.json"), ExitCode::kInput, "is a link to ../blobs/5c5f");
}

TEST(StandIns, AreNotFilesThatSpeakOfThem) {
  const TemporaryFolder folder;
  EXPECT_NO_THROW(refuse_stand_in(folder.write("a.txt", "a version https://git-lfs.github.com/spec/v1")));
  EXPECT_NO_THROW(refuse_stand_in(folder.write("b.txt", "version 2 of a red boat\n")));
  EXPECT_NO_THROW(refuse_stand_in(folder.write("c.txt", std::string(kPointer) + std::string(1024, 'x'))));
  EXPECT_NO_THROW(refuse_stand_in(folder.path() / "missing"));
  EXPECT_NO_THROW(refuse_stand_in(folder.path()));
  std::filesystem::create_symlink("b.txt", folder.path() / "link");
  EXPECT_NO_THROW(refuse_stand_in(folder.path() / "link"));
}

}  // namespace
}  // namespace fewstep
