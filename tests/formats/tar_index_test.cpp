#include "formats/tar_index.h"

#include "core/error.h"
#include "core/files.h"
#include "tests/formats/tar_bytes.h"
#include "tests/temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

std::vector<std::string> names(const std::vector<TarEntry>& entries) {
  std::vector<std::string> list;
  for (const TarEntry& entry : entries) list.push_back(entry.name);
  return list;
}

// Content of 0 to about 3,000 bytes that differs everywhere.
std::string content(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * i + size);
  return bytes;
}

class TarFormats : public testing::TestWithParam<const char*> {};

TEST_P(TarFormats, AreIndexedToTheBytesOfEachFile) {
  const TemporaryFolder folder;
  std::vector<TarFile> files{{"folder/"},   {"folder/a.jpg", content(511)}, {"folder/a.txt", content(512)},
                             {"empty.txt"}, {"b.json", content(513)},       {"na\xc3\xafve.png", content(3000)}};
  if (std::string(GetParam()) != "ustar") files.push_back({std::string(300, 'n') + ".jpg", content(1500)});
  files.push_back({"last.txt", content(7)});
  const auto tar = folder.write("a.tar", tar_bytes(files, GetParam()));
  const auto entries = index_tar(tar);
  files.erase(files.begin());  // the folder
  ASSERT_EQ(entries.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(entries[i].name, files[i].name);
    EXPECT_EQ(entries[i].size, files[i].content.size());
    EXPECT_EQ(read_file_part(tar, entries[i].offset, entries[i].size), files[i].content) << files[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(TarIndex, TarFormats, testing::Values("ustar", "pax", "gnutar"),
                         [](const auto& test) { return std::string(test.param); });

TEST(TarIndex, DropsADotBeforeNames) {
  const TemporaryFolder folder;
  const auto tar = folder.write("a.tar", tar_bytes({{"./"}, {"./a.jpg", "1"}, {"././b.jpg", "2"}}));
  EXPECT_THAT(names(index_tar(tar)), testing::ElementsAre("a.jpg", "b.jpg"));
}

TEST(TarIndex, ReadsArchivesPutOneBehindAnother) {
  const TemporaryFolder folder;
  const auto tar = folder.write("a.tar", tar_bytes({{"a.jpg", "one"}}) + tar_bytes({{"b.jpg", "two"}}));
  const auto entries = index_tar(tar);
  ASSERT_THAT(names(entries), testing::ElementsAre("a.jpg", "b.jpg"));
  EXPECT_EQ(read_file_part(tar, entries[1].offset, entries[1].size), "two");
}

TEST(TarIndex, CutAnywhereIsAnError) {
  const TemporaryFolder folder;
  const std::string whole = tar_bytes({{"a.jpg", content(700)}, {"a.txt", content(20)}, {"b.jpg", content(512)}});
  const std::size_t end = 3 * 512 + 1024 + 512 + 512;  // headers and content; what follows is the end mark
  ASSERT_EQ(index_tar(folder.write("a.tar", whole.substr(0, end + 1024))).size(), 3u);
  for (std::size_t size = 0; size < end + 512; size += size % 512 == 0 ? 1 : 73) {
    SCOPED_TRACE(std::to_string(size) + " bytes");
    const auto tar = folder.write("a.tar", whole.substr(0, size));
    EXPECT_FEWSTEP_ERROR(index_tar(tar), ExitCode::kInput, "a.tar");
  }
  // Between two files nothing else tells.
  const auto between = folder.write("a.tar", whole.substr(0, 512 + 1024));
  EXPECT_FEWSTEP_ERROR(index_tar(between), ExitCode::kInput, "expected a .tar to its end mark, got none");
}

TEST(TarIndex, RefusesWhatIsNoPlainTar) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(index_tar(folder.path() / "no.tar"), ExitCode::kInput, "no.tar");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.path()), ExitCode::kInput, "expected a .tar file");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", "")), ExitCode::kInput, "a.tar");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", std::string(4000, 'x'))), ExitCode::kInput,
                       "expected a whole, uncompressed .tar");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10) + content(900))),
                       ExitCode::kInput, "expected a whole, uncompressed .tar");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", tar_bytes({{"a.jpg", "1"}, {"b.jpg", "", "a.jpg"}}))),
                       ExitCode::kInput, "entry \"b.jpg\"] expected files alone, got a link");
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", tar_bytes({{"a.jpg", "1"}, {"b.jpg", "2"}, {"a.jpg", "3"}}))),
                       ExitCode::kInput, "entry \"a.jpg\"] expected the entry once, got it twice");
}

TEST(TarIndex, RefusesSparseFilesWhoseBytesLieApart) {
  const TemporaryFolder folder;
  const auto tar =
      folder.write("a.tar", tar_bytes({{.name = "a.jpg", .content = std::string(12288, 'x'), .sparse = true}}, "pax"));
  EXPECT_FEWSTEP_ERROR(index_tar(tar), ExitCode::kInput, "entry \"a.jpg\"] expected a plain file, got a sparse one");
}

TEST(TarIndex, RefusesHostileHeaders) {
  const TemporaryFolder folder;
  const std::string whole = tar_bytes({{"a.jpg", content(700)}, {"a.txt", content(20)}});
  const auto refuses = [&](std::size_t at, const std::string& text, const std::string& message) {
    const auto tar = folder.write("a.tar", with_header(whole, 0, at, text));
    EXPECT_FEWSTEP_ERROR(index_tar(tar), ExitCode::kInput, message);
  };
  constexpr std::size_t kSize = 124, kType = 156;
  refuses(kSize, "77777777777", "expected 8589934591 bytes from 512 on, got an archive of");
  refuses(kSize, std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12), "a.tar");
  refuses(kSize, std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 12), "a.tar");  // below 0
  refuses(kSize, "00000000100", "a.tar");  // the next header is in the middle of an image
  refuses(kType, "1", "a.tar");            // a hard link
  refuses(kType, "3", "expected files alone, got a link or device");
  std::string spoiled = whole;
  spoiled[1024 + 512] = 'b';  // in the second header, whose checksum is not made right
  EXPECT_FEWSTEP_ERROR(index_tar(folder.write("a.tar", spoiled)), ExitCode::kInput, "a.tar");
}

TEST(FilePart, IsReadExactlyOrRefused) {
  const TemporaryFolder folder;
  const auto file = folder.write("bytes", "0123456789");
  EXPECT_EQ(read_file_part(file, 0, 10), "0123456789");
  EXPECT_EQ(read_file_part(file, 3, 4), "3456");
  EXPECT_EQ(read_file_part(file, 10, 0), "");
  EXPECT_FEWSTEP_ERROR(read_file_part(file, 3, 8), ExitCode::kInput, "expected 8 bytes from 3 on, got a file of 10");
  EXPECT_FEWSTEP_ERROR(read_file_part(file, 11, 0), ExitCode::kInput, "got a file of 10");
  EXPECT_FEWSTEP_ERROR(read_file_part(file, 5, ~0ull - 2), ExitCode::kInput, "got a file of 10");
  EXPECT_FEWSTEP_ERROR(read_file_part(folder.path() / "no", 0, 1), ExitCode::kInput, "No such file");
}

}  // namespace
}  // namespace fewstep
