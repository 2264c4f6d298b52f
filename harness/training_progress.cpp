#include "harness/training_progress.h"

#include "harness/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

namespace fewstep {
namespace {

constexpr double kTerminalSeconds = 0.2, kLineSeconds = 10;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Steps of every phase together.
std::int64_t all_steps(const Recipe& recipe) {
  const GuidedDistillSettings& staged = recipe.guided_distill;
  if (recipe.method != "guided-distill") return recipe.train.steps;
  return staged.stage_one_steps + static_cast<std::int64_t>(staged.students.size()) * staged.steps_per_halving;
}

}  // namespace

TrainingProgress::TrainingProgress(std::ostream& out, const Recipe& recipe)
    : out_(out), terminal_(&out == &std::cerr && ::isatty(STDERR_FILENO) != 0), recipe_(recipe) {}

void TrainingProgress::encoded(std::int64_t done, std::int64_t all) {
  show(fmt::format("{}: latents and text states of {}/{} images", recipe_.name, done, all), false);
}

void TrainingProgress::begin(const std::string& phase, std::int64_t steps) {
  clear();
  if (steps > 0) out_ << recipe_.name << ": " << phase << ", " << steps << " steps" << std::endl;
  start_ = Clock::now();
  images_ = 0;
  left_ = steps_ = steps;
}

void TrainingProgress::report(const LossPoint& point, std::int64_t images) {
  images_ += images;
  left_ -= images / recipe_.train.batch;
  const double seconds = seconds_since(start_), rate = static_cast<double>(images_) / seconds;
  std::string line = fmt::format("{} step {}  loss {:.4g}  gradient {:.3g}  {:.3g} images/s", point.phase, point.step,
                                 point.loss, point.gradient_norm, rate);
  if (left_ > 0) line += "  " + duration_text(static_cast<double>(left_ * recipe_.train.batch) / rate) + " left";
  show(line, left_ == 0);
  if (left_ > 0) return;
  if (line_open_) out_ << std::endl;
  line_open_ = false;
}

void TrainingProgress::show(const std::string& line, bool always) {
  if (!always && seconds_since(shown_) < (terminal_ ? kTerminalSeconds : kLineSeconds)) return;
  shown_ = Clock::now();
  if (terminal_) {
    out_ << "\r\033[K" << line << std::flush;
    line_open_ = true;
  } else {
    out_ << line << std::endl;
  }
}

void TrainingProgress::clear() {
  if (line_open_) out_ << "\r\033[K" << std::flush;
  line_open_ = false;
}

std::string dry_run_text(const Recipe& recipe) {
  const std::int64_t steps = all_steps(recipe), images = steps * recipe.train.batch;
  std::string text = fmt::format("{}: {} in {} steps of {} images ({} in all) into {}\n", recipe.name, recipe.method,
                                 steps, recipe.train.batch, images, recipe.output.string());
  // Evaluations of the UNet: a training step's backward pass counts as two.
  int each = 3;
  if (recipe.method == "lcd") each = 3 + 1 + (recipe.consistency.solver == "ddim" ? 2 : 4);
  if (recipe.method == "lcf") each = 3 + 1;
  if (recipe.method == "guided-distill") each = 3 + 2;
  return text + fmt::format("network evaluations: {} for each image, {} in all (backward counts as two)\n", each,
                            each * images);
}

}  // namespace fewstep
