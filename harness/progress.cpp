#include "harness/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <iostream>

namespace fewstep {
namespace {

constexpr double kTerminalSeconds = 0.2, kLineSeconds = 10;

}  // namespace

Progress::Progress(std::ostream& out, std::int64_t cells, std::int64_t images)
    : out_(out), terminal_(&out == &std::cerr && ::isatty(STDERR_FILENO) != 0), cells_(cells), images_(images) {}

void Progress::begin_cell(const std::string& label) {
  ++cell_;
  label_ = label;
  show(false);
}

void Progress::add_images(std::int64_t images) {
  done_ += images;
  show(done_ == images_);
}

void Progress::skip_images(std::int64_t images) { images_ -= images; }

void Progress::show(bool always) {
  const Clock::time_point now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (terminal_ ? since < kTerminalSeconds && !always : since < kLineSeconds) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = cells_ > 0 ? fmt::format("cell {}/{}  ", cell_, cells_) : "";
  line += fmt::format("images {}/{}", done_, images_);
  if (done_ > 0 && done_ < images_)
    line += fmt::format("  {:.3g} images/s  {} left", rate, duration_text(static_cast<double>(images_ - done_) / rate));
  if (!label_.empty()) line += "  " + label_;
  if (terminal_) {
    out_ << "\r\033[K" << line.substr(0, 120) << std::flush;
    line_open_ = true;
  } else {
    out_ << line << std::endl;
  }
}

void Progress::clear() {
  if (line_open_) out_ << "\r\033[K" << std::flush;
  line_open_ = false;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace fewstep
