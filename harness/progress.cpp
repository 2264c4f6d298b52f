#include "harness/progress.h"

#include "core/text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <iostream>

namespace fewstep {

ProgressLine::ProgressLine(std::ostream& out)
    : out_(out), terminal_(&out == &std::cerr && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(const std::string& line, When when) {
  constexpr double kTerminalSeconds = 0.2, kLineSeconds = 10;
  const bool now = when == When::kNow || (when == When::kNowOnTerminal && terminal_);
  if (!now && seconds_since(shown_) < (terminal_ ? kTerminalSeconds : kLineSeconds)) return;
  shown_ = Clock::now();
  if (terminal_) {
    out_ << "\r\033[K" << line.substr(0, whole_characters(line, 120)) << std::flush;
    open_ = true;
  } else {
    out_ << line << std::endl;
  }
}

void ProgressLine::clear() {
  if (open_) out_ << "\r\033[K" << std::flush;
  open_ = false;
}

void ProgressLine::keep() {
  if (open_) out_ << std::endl;
  open_ = false;
}

Progress::Progress(std::ostream& out, std::int64_t cells, std::int64_t images)
    : line_(out), cells_(cells), images_(images) {}

void Progress::begin_cell(const std::string& label) {
  ++cell_;
  label_ = label;
  show(ProgressLine::When::kDue);
}

void Progress::begin_timing(const std::string& label, int round) {
  label_ = fmt::format("timing, round {}: {}", round, label);
  show(ProgressLine::When::kDue);
}

void Progress::add_images(std::int64_t images) {
  done_ += images;
  show(done_ == images_ ? ProgressLine::When::kNowOnTerminal : ProgressLine::When::kDue);
}

void Progress::skip_images(std::int64_t images) { images_ -= images; }

void Progress::show(ProgressLine::When when) {
  const double seconds = seconds_since(start_), rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = cells_ > 0 ? fmt::format("cell {}/{}  ", cell_, cells_) : "";
  line += fmt::format("images {}/{}", done_, images_);
  if (done_ > 0 && done_ < images_)
    line += fmt::format("  {:.3g} images/s  {} left", rate, duration_text(static_cast<double>(images_ - done_) / rate));
  if (!label_.empty()) line += "  " + label_;
  line_.show(line, when);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace fewstep
