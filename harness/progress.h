#pragma once
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fewstep {

// What is done and how long the rest takes. On a terminal (out is std::cerr) one line that is written over; elsewhere a
// line every ten seconds.
class Progress {
 public:
  // cells, images: in all, those that are already stored left out; cells is 0 where images alone are counted.
  Progress(std::ostream& out, std::int64_t cells, std::int64_t images);

  void begin_cell(const std::string& label);
  void add_images(std::int64_t images);
  void skip_images(std::int64_t images);  // of a cell that failed
  // Leaves the line, so that something else can be printed.
  void clear();

 private:
  void show(bool always);

  using Clock = std::chrono::steady_clock;
  std::ostream& out_;
  const bool terminal_;
  const std::int64_t cells_;
  std::int64_t images_, done_ = 0, cell_ = 0;
  std::string label_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
  bool line_open_ = false;
};

// "1 h 05 min", "3 min 20 s", "12 s".
std::string duration_text(double seconds);

}  // namespace fewstep
