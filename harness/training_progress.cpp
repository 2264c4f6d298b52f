#include "harness/training_progress.h"

#include "settings/methods.h"

#include <fmt/format.h>

#include <ostream>

namespace fewstep {

TrainingProgress::TrainingProgress(std::ostream& out, const Recipe& recipe) : line_(out), out_(out), recipe_(recipe) {}

void TrainingProgress::encoded(std::int64_t done, std::int64_t all) {
  line_.show(fmt::format("{}: latents and text states of {}/{} images", recipe_.name, done, all));
}

void TrainingProgress::begin(const std::string& phase, std::int64_t steps) {
  clear();
  if (steps > 0) out_ << recipe_.name << ": " << phase << ", " << steps << " steps" << std::endl;
  start_ = std::chrono::steady_clock::now();
  images_ = 0;
  left_ = steps;
}

void TrainingProgress::report(const LossPoint& point, std::int64_t images) {
  images_ += images;
  left_ -= images / recipe_.train.batch;
  const double seconds = seconds_since(start_), rate = static_cast<double>(images_) / seconds;
  std::string line = fmt::format("{} step {}  loss {:.4g}  gradient {:.3g}  {:.3g} images/s", point.phase, point.step,
                                 point.loss, point.gradient_norm, rate);
  if (left_ > 0) line += "  " + duration_text(static_cast<double>(left_ * recipe_.train.batch) / rate) + " left";
  line_.show(line, left_ == 0 ? ProgressLine::When::kNow : ProgressLine::When::kDue);
  if (left_ == 0) line_.keep();
}

std::string dry_run_text(const Recipe& recipe) {
  const std::int64_t steps = all_steps(recipe), images = steps * recipe.train.batch;
  std::string text = fmt::format("{}: {} in {} steps of {} images ({} in all) into {}\n", recipe.name, recipe.method,
                                 steps, recipe.train.batch, images, recipe.output.string());
  const std::int64_t each = method_of(recipe).evaluations(recipe);
  return text + fmt::format("network evaluations: {} for each image, {} in all (backward counts as two)\n", each,
                            each * images);
}

}  // namespace fewstep
