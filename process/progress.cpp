#include "process/progress.h"

#include "core/messages.h"
#include "core/text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

namespace fewstep {

namespace {

constexpr std::size_t kColumnsOfBytes = 160;  // a bar of twenty columns is forty bytes longer than it looks

std::string json_of(const ProgressState& state) {
  std::string text = fmt::format("{{\"event\": \"progress\", \"unit\": {}, \"done\": {}, \"total\": {}",
                                 json_text(state.unit), state.done, state.total);
  if (state.per_second > 0) text += fmt::format(", \"images_per_second\": {:.4g}", state.per_second);
  if (state.left_seconds >= 0) text += fmt::format(", \"left_seconds\": {:.1f}", state.left_seconds);
  return text + ", \"doing\": " + json_text(state.doing) + "}";
}

}  // namespace

std::string progress_text(const ProgressState& state, bool bar) {
  constexpr int kBar = 20;
  std::string line;
  if (bar && state.total > 0) {
    const double share = std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0);
    const int full = static_cast<int>(share * kBar);
    for (int i = 0; i < kBar; ++i) line += i < full ? "█" : "·";
    line = fmt::format("[{}] {:3.0f} %  ", line, std::floor(100 * share));
  }
  line += state.total > 0 ? fmt::format("{} {}/{}", state.unit, state.done, state.total)
                          : fmt::format("{} {}", state.unit, state.done);
  if (state.per_second > 0) line += fmt::format("  {:.3g} images/s", state.per_second);
  if (state.left_seconds >= 0) line += "  " + duration_text(state.left_seconds) + " left";
  return state.doing.empty() ? line : line + "  " + state.doing;
}

ProgressLine::ProgressLine(std::ostream& out)
    : out_(out), terminal_(&out == &std::cerr && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(const ProgressState& state, When when) {
  constexpr double kTerminalSeconds = 0.2, kLineSeconds = 10, kJsonSeconds = 1;
  const bool json = message_style() == MessageStyle::kJson;
  if (message_style() == MessageStyle::kQuiet) return;
  const bool now = when == When::kNow || (when == When::kNowOnTerminal && (terminal_ || json));
  const double due = json ? kJsonSeconds : terminal_ ? kTerminalSeconds : kLineSeconds;
  if (!now && seconds_since(shown_) < due) return;
  shown_ = Clock::now();
  if (json) {
    std::cerr << json_of(state) << std::endl;
  } else if (terminal_) {
    const std::string line = progress_text(state, true);
    out_ << "\r\033[K" << line.substr(0, whole_characters(line, kColumnsOfBytes)) << std::flush;
    open_ = true;
  } else {
    out_ << progress_text(state, false) << std::endl;
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

Progress::Progress(std::ostream& out, std::int64_t cells, std::int64_t images, std::string doing)
    : line_(out), cells_(cells), images_(images), label_(std::move(doing)) {}

void Progress::begin_cell(const std::string& label) {
  ++cell_;
  label_ = label;
  show(ProgressLine::When::kDue);
}

void Progress::begin_timing(const std::string& label, std::int64_t done, std::int64_t all) {
  if (done == 0) timing_ = std::chrono::steady_clock::now();
  ProgressState state{"timings", done, all};
  if (done > 0)
    state.left_seconds = seconds_since(timing_) / static_cast<double>(done) * static_cast<double>(all - done);
  state.doing = label;
  line_.show(state, ProgressLine::When::kDue);
}

void Progress::add_images(std::int64_t images) {
  done_ += images;
  show(done_ == images_ ? ProgressLine::When::kNowOnTerminal : ProgressLine::When::kDue);
}

void Progress::skip_images(std::int64_t images) { images_ -= images; }

void Progress::show(ProgressLine::When when) {
  const double seconds = seconds_since(start_);
  ProgressState state{"images", done_, images_};
  if (done_ > 0 && seconds > 0) state.per_second = static_cast<double>(done_) / seconds;
  if (done_ > 0 && done_ < images_) state.left_seconds = static_cast<double>(images_ - done_) / state.per_second;
  if (cells_ > 0) state.doing = fmt::format("cell {}/{}{}", cell_, cells_, label_.empty() ? "" : "  ");
  state.doing += label_;
  line_.show(state, when);
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
