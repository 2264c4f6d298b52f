#include "distill/train/training_progress.h"

#include "settings/methods.h"

#include <fmt/format.h>

#include <ostream>

namespace fewstep {

TrainingProgress::TrainingProgress(std::ostream& out, const Recipe& recipe) : line_(out), out_(out), recipe_(recipe) {}

void TrainingProgress::encoded(std::int64_t done, std::int64_t all) {
  line_.show({"images", done, all, 0, -1, recipe_.name + ": latents and text states"});
}

void TrainingProgress::begin(const std::string& phase, std::int64_t steps) {
  clear();
  if (steps > 0) out_ << recipe_.name << ": " << phase << ", " << steps << " steps" << std::endl;
  start_ = std::chrono::steady_clock::now();
  images_ = 0;
  left_ = steps_ = steps;
}

void TrainingProgress::report(const LossPoint& point, std::int64_t images) {
  images_ += images;
  left_ -= images / recipe_.train.batch;
  const double seconds = seconds_since(start_), rate = static_cast<double>(images_) / seconds;
  ProgressState state{"steps", steps_ - left_, steps_, rate};
  if (left_ > 0) state.left_seconds = static_cast<double>(left_ * recipe_.train.batch) / rate;
  state.doing =
      fmt::format("{} step {}  loss {:.4g}  gradient {:.3g}", point.phase, point.step, point.loss, point.gradient_norm);
  line_.show(state, left_ == 0 ? ProgressLine::When::kNow : ProgressLine::When::kDue);
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
