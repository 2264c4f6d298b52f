#include "distill/draws.h"
#include "distill/guided_distill.h"
#include "distill/method.h"
#include "distill/student.h"

#include "core/error.h"

#include <ATen/ATen.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace fewstep {
namespace {

// One student after the other: stage one, then half the steps each time. Each starts from, and has as its teacher, the
// one before.
class GuidedDistill {
 public:
  GuidedDistill(const Recipe& recipe, TrainingContext& context, const Parent& teacher, const LatentData& data)
      : recipe_(recipe),
        context_(context),
        teacher_(teacher),
        data_(data),
        config_(student_config(teacher, recipe.guided_distill.omega_embedding_dim)),
        current_(student_tensors(teacher, recipe.guided_distill.omega_embedding_dim)) {}

  // A resumed run begins at the first phase whose weights are in the state: those before it are done with.
  bool run() {
    const std::vector<int>& students = recipe_.guided_distill.students;
    std::size_t first = 0;
    for (std::size_t i = students.size(); i > 0; --i)
      if (context_.state.find(name_of_phase(i)) && !context_.state.find(name_of_phase(i - 1))) first = i;
    for (std::size_t i = first; i <= students.size(); ++i) {
      if (!(i == 0 ? learn_guidance() : halve(i))) return false;
      write_student(recipe_.output / name_of_phase(i), recipe_, context_, teacher_, CheckpointKind::kGuidedDistill,
                    config_, current_);
      if (i > 0) context_.state.forget(name_of_phase(i - 1));
    }
    return true;
  }

 private:
  std::string name_of_phase(std::size_t i) const {
    return i == 0 ? "stage-one" : fmt::format("{}-steps", recipe_.guided_distill.students[i - 1]);
  }

  using Draws = LatentData::Batch;
  using Loss = std::function<Tensor(const DiffusionNetwork& student, const Draws& drawn, const Tensor& noise,
                                    const Tensor& omega, at::Generator& generator)>;

  bool learn_guidance() {
    return run_phase(
        0, recipe_.guided_distill.stage_one_steps,
        [this](const DiffusionNetwork& student, const Draws& drawn, const Tensor& noise, const Tensor& omega,
               at::Generator& generator) { return guidance(student, drawn, noise, omega, generator); });
  }

  bool halve(std::size_t i) {
    const HalvingLevels levels = halving_levels(teacher_.schedule, recipe_.guided_distill.students[i - 1]);
    before_ = network_over(config_, current_, teacher_, context_.device);
    return run_phase(
        i, recipe_.guided_distill.steps_per_halving,
        [&](const DiffusionNetwork& student, const Draws& drawn, const Tensor& noise, const Tensor& omega,
            at::Generator& generator) { return halving(levels, student, drawn, noise, omega, generator); });
  }

  bool run_phase(std::size_t i, std::int64_t steps, const Loss& loss) {
    Phase phase{name_of_phase(i), steps, trainable_copy(current_, context_.device), {}, 0, {}};
    const DiffusionNetwork student = network_over(config_, phase.parameters, teacher_, context_.device);
    BatchOrder order(data_.count(), recipe_.train.batch, recipe_.seed + i);
    phase.loss = [&](std::int64_t step, at::Generator& generator) {
      const Draws drawn = data_.batch(order.rows(step), generator, context_.device);
      const Tensor noise = draw_noise(drawn.latents, generator);
      const Tensor omega = draw_omega(recipe_.guided_distill.omega, recipe_.train.batch, generator, context_.device);
      return loss(student, drawn, noise, omega, generator);
    };
    if (!train(phase, recipe_.train, recipe_.seed, context_.device, context_.state, context_.hooks)) return false;
    current_ = frozen_copy(phase.parameters);
    return true;
  }

  static std::map<std::string, Tensor> frozen_copy(const std::map<std::string, Tensor>& tensors) {
    std::map<std::string, Tensor> copies;
    for (const auto& [name, tensor] : tensors) copies.emplace(name, tensor.detach().clone());
    return copies;
  }

  BatchDenoiser predicting(const DiffusionNetwork& network, const Draws& drawn, const Tensor& omega) const {
    return [&](const Tensor& x, const Levels& levels) { return predict_x0(network, x, levels, drawn.states, omega); };
  }

  Tensor guidance(const DiffusionNetwork& student, const Draws& drawn, const Tensor& noise, const Tensor& omega,
                  at::Generator& generator) const {
    std::vector<NoiseLevel> from;
    const auto times = static_cast<std::int64_t>(teacher_.schedule.alpha_bar.size());
    for (const auto time : draw_indices(times, recipe_.train.batch, generator))
      from.push_back(level_at(teacher_.schedule, static_cast<double>(time)));
    const Tensor empty = data_.empty_states().to(context_.device);
    const auto guided = [&](const Tensor& x, const Levels& levels) {
      return predict_guided_x0(teacher_.network, x, levels, drawn.states, empty, omega);
    };
    return guidance_loss(predicting(student, drawn, omega), guided, drawn.latents, noise, from);
  }

  Tensor halving(const HalvingLevels& all, const DiffusionNetwork& student, const Draws& drawn, const Tensor& noise,
                 const Tensor& omega, at::Generator& generator) const {
    HalvingLevels levels;
    for (const auto index : draw_indices(static_cast<std::int64_t>(all.from.size()), recipe_.train.batch, generator)) {
      const auto at = static_cast<std::size_t>(index);
      levels.from.push_back(all.from[at]);
      levels.middle.push_back(all.middle[at]);
      levels.to.push_back(all.to[at]);
    }
    return halving_loss(predicting(student, drawn, omega), predicting(before_, drawn, omega), drawn.latents, noise,
                        levels);
  }

  const Recipe& recipe_;
  TrainingContext& context_;
  const Parent& teacher_;
  const LatentData& data_;
  const UnetConfig config_;
  std::map<std::string, Tensor> current_;
  DiffusionNetwork before_;
};

}  // namespace

bool train_guided_distill(const Recipe& recipe, TrainingContext& context) {
  const Parent teacher = load_parent(recipe, CheckpointKind::kTeacher, context.device);
  const auto data = latents_of(recipe, context, teacher.parts);
  return data && GuidedDistill(recipe, context, teacher, *data).run();
}

}  // namespace fewstep
