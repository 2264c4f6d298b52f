#include "datasets/text_lines.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace fewstep {

TextLines::TextLines(const std::filesystem::path& path) : path_(path), block_(1 << 18) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw input_error(path.string(), "expected a file, got a folder");
  file_.open(path, std::ios::binary);
  if (!file_) throw input_error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  fill();
  skip_byte_order_mark();
  const std::string_view start(block_.data() + begin_, end_ - begin_);
  if (start.find('\n') == start.npos && start.find('\r') != start.npos) line_end_ = '\r';
}

bool TextLines::fill() {
  file_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
  if (file_.bad()) throw input_error(path_.string(), "cannot be read to its end");
  begin_ = 0;
  end_ = static_cast<std::size_t>(file_.gcount());
  return end_ > 0;
}

void TextLines::skip_byte_order_mark() {
  const std::string_view start(block_.data(), end_);
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff"))
    throw input_error(path_.string(), "expected UTF-8, got UTF-16; save it as UTF-8");
  if (start.starts_with("\xef\xbb\xbf")) begin_ = 3;
}

std::string TextLines::place() const { return fmt::format("{}:{}", path_.string(), number_); }

bool TextLines::next(std::string& line) {
  line.clear();
  if (begin_ == end_ && !fill()) return false;
  ++number_;
  for (bool complete = false; !complete;) {
    const char* start = block_.data() + begin_;
    const void* line_end = std::memchr(start, line_end_, end_ - begin_);
    complete = line_end != nullptr;
    const std::size_t length = complete ? static_cast<std::size_t>(static_cast<const char*>(line_end) - start)  //
                                        : end_ - begin_;
    line.append(start, length);
    begin_ += length + (complete ? 1 : 0);
    if (line.size() > kMaxLineBytes)
      throw input_error(place(), "expected a line of at most 16 MiB, got a longer one; is this a text file?");
    if (!complete && !fill()) complete = true;  // the last line has no newline
  }
  if (line.find('\0') != std::string::npos)
    throw input_error(place(), "expected text, got a NUL byte; is this UTF-8? (UTF-16 and binary files are not)");
  return true;
}

void strip_carriage_return(std::string& line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
}

}  // namespace fewstep
