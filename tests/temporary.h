#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace fewstep {

// A fresh folder for one test, removed afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fewstep-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  // Writes a file into the folder and returns its path.
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace fewstep

// Asserts that statement throws fewstep::Error with this exit code and a message containing text.
#define EXPECT_FEWSTEP_ERROR(statement, exit_code, text)                                \
  try {                                                                                 \
    statement;                                                                          \
    ADD_FAILURE() << "no error from " #statement;                                       \
  } catch (const fewstep::Error& error) {                                               \
    EXPECT_EQ(error.code(), exit_code) << error.what();                                 \
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what(); \
  }
