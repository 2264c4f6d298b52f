#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fewstep {

// Lines of a UTF-8 text file, one at a time. Throws Error (kInput) for an unreadable file, UTF-16, a NUL byte, and a
// line longer than kMaxLineBytes.
class TextLines {
 public:
  static constexpr std::size_t kMaxLineBytes = 16 << 20;

  explicit TextLines(const std::filesystem::path& path);

  // The next line without its "\n" (a "\r" before it stays; a file without "\n" has "\r" for it, as Excel for Mac
  // writes); false at the end of the file. A byte order mark is
  // skipped.
  bool next(std::string& line);
  // The number of the line that was read last, from 1.
  std::int64_t number() const { return number_; }

 private:
  bool fill();
  void skip_byte_order_mark();
  std::string place() const;

  std::filesystem::path path_;
  std::ifstream file_;
  std::vector<char> block_;
  std::size_t begin_ = 0, end_ = 0;
  std::int64_t number_ = 0;
  char line_end_ = '\n';
};

// Drops one "\r" at the end.
void strip_carriage_return(std::string& line);

}  // namespace fewstep
