#pragma once
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fewstep {

// How far something is, and what is being done.
struct ProgressState {
  std::string unit = "images";       // what is counted
  std::int64_t done = 0, total = 0;  // total 0: not known
  double per_second = 0;             // images; 0: not known
  double left_seconds = -1;          // of the whole; below 0: not known
  std::string doing = {};            // "cell 3/20  checkpoint=lcm steps=4"
};
// "[██████····]  43 %  images 430/1000  12.3 images/s  3 min 20 s left  cell 3/20 …"; without the bar where none is
// wanted.
std::string progress_text(const ProgressState& state, bool bar);

// One line that says how far something is, in the process's style (core/messages.h). On a terminal (out is std::cerr)
// it is written over, elsewhere a line comes every ten seconds.
class ProgressLine {
 public:
  explicit ProgressLine(std::ostream& out);

  enum class When { kDue, kNowOnTerminal, kNow };
  void show(const ProgressState& state, When when = When::kDue);
  void clear();  // leaves the line, so that something else can be printed
  void keep();   // ends the line as it stands

 private:
  using Clock = std::chrono::steady_clock;
  std::ostream& out_;
  const bool terminal_;
  Clock::time_point shown_ = Clock::now();
  bool open_ = false;
};

// Images done, and how long the rest takes.
class Progress {
 public:
  // cells, images: in all, those that are already stored left out; cells is 0 where images alone are counted.
  Progress(std::ostream& out, std::int64_t cells, std::int64_t images, std::string doing = {});

  void begin_cell(const std::string& label);
  void begin_timing(const std::string& label, std::int64_t done, std::int64_t all);
  void add_images(std::int64_t images);
  void skip_images(std::int64_t images);  // of a cell that failed
  void clear() { line_.clear(); }

 private:
  void show(ProgressLine::When when);

  ProgressLine line_;
  const std::int64_t cells_;
  std::int64_t images_, done_ = 0, cell_ = 0;
  std::string label_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point timing_ = start_;  // when the first visit of the timing pass began
};

// "1 h 05 min", "3 min 20 s", "12 s".
std::string duration_text(double seconds);
double seconds_since(std::chrono::steady_clock::time_point start);

}  // namespace fewstep
