#include "core/files.h"

#include "core/error.h"
#include "temporary.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <iterator>

namespace fewstep {
namespace {

int files_in(const std::filesystem::path& folder) {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

TEST(Sha256, EqualsThePublishedDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAFileEqualsThatOfItsBytes) {
  const TemporaryFolder folder;
  const std::string bytes(3'000'001, 'x');
  EXPECT_EQ(sha256_file(folder.write("a", bytes)), sha256(bytes));
  EXPECT_FEWSTEP_ERROR(sha256_file(folder.path() / "missing"), ExitCode::kInput, "missing");
  EXPECT_FEWSTEP_ERROR(sha256_file(folder.path()), ExitCode::kInput, folder.path().string());
}

TEST(ReadFile, GivesTheBytesOrSaysWhyNot) {
  const TemporaryFolder folder;
  using namespace std::string_literals;
  EXPECT_EQ(read_file(folder.write("a", "x\0y\n"s)), "x\0y\n"s);
  EXPECT_EQ(read_file(folder.write("empty", "")), "");
  EXPECT_EQ(read_file(folder.write("four", "1234"), 4), "1234");
  EXPECT_FEWSTEP_ERROR(read_file(folder.write("five", "12345"), 4), ExitCode::kInput,
                       "expected at most 4 bytes, got 5");
  EXPECT_FEWSTEP_ERROR(read_file(folder.path() / "missing"), ExitCode::kInput, "No such file");
  EXPECT_FEWSTEP_ERROR(read_file(folder.path()), ExitCode::kInput, "got a folder");
}

TEST(WriteFileAtomically, ReplacesTheFileAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  const auto path = folder.write("result", "old");
  const std::array<std::string_view, 2> parts{"new ", "bytes"};
  write_file_atomically(path, parts);
  EXPECT_EQ(read_file(path), "new bytes");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, KeepsTheOldFileWhenTheContentFails) {
  const TemporaryFolder folder;
  const auto path = folder.write("result", "old");
  EXPECT_THROW(write_file_atomically(path,
                                     [](const AppendBytes& append) {
                                       append("half");
                                       throw std::runtime_error("the rest cannot be made");
                                     }),
               std::runtime_error);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, KeepsTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const auto path = folder.write("result", "old");
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FEWSTEP_ERROR(write_file_atomically(path, std::string(8192, 'x')), ExitCode::kEnvironment, "(write): ");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(WriteFileAtomically, NamesTheFileItCannotCreate) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(write_file_atomically(folder.path() / "no" / "such", "x"), ExitCode::kEnvironment, "no/such");
}

TEST(HashOfFiles, IsThatOfWhatSha256sumPrints) {
  const TemporaryFolder folder;
  folder.write("b.txt", "two");
  folder.write("in/a.txt", "one");
  const std::vector<std::filesystem::path> files{folder.path() / "b.txt", folder.path() / "in/a.txt"};
  // cd FOLDER; sha256sum b.txt in/a.txt | sha256sum
  EXPECT_EQ(hash_of_files(files, folder.path()),
            sha256("3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  b.txt\n"
                   "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  in/a.txt\n"));
}

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(sha256("", HashText::kBase64), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

}  // namespace
}  // namespace fewstep
