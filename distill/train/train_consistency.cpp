#include "distill/consistency.h"
#include "distill/draws.h"
#include "distill/method.h"
#include "distill/student.h"

namespace fewstep {
namespace {

using Loss = std::function<Tensor(const BatchDenoiser& student, const BatchDenoiser& target,
                                  const ConsistencyBatch& batch, const Tensor& states, const Tensor& omega)>;

// What lcd and lcf share: the student, its average as the target, the data, and the result.
bool train_consistency(const Recipe& recipe, TrainingContext& context, const Parent& parent, const char* name,
                       const Loss& loss, const LatentData& data) {
  const ConsistencySettings& settings = recipe.consistency;
  const UnetConfig config = student_config(parent, settings.omega_embedding_dim);
  const auto start = student_tensors(parent, settings.omega_embedding_dim);
  Phase phase{name,
              recipe.train.steps,
              trainable_copy(start, context.device),
              trainable_copy(start, context.device),
              settings.ema,
              {}};
  const DiffusionNetwork student = network_over(config, phase.parameters, parent, context.device);
  const DiffusionNetwork target = network_over(config, phase.average, parent, context.device);
  const auto pairs = time_pairs(parent.schedule, settings.skip_step);
  BatchOrder order(data.count(), recipe.train.batch, recipe.seed);
  phase.loss = [&](std::int64_t step, at::Generator& generator) {
    const auto drawn = data.batch(order.rows(step), generator, context.device);
    ConsistencyBatch batch{drawn.latents, draw_noise(drawn.latents, generator), {}};
    for (const auto index : draw_indices(pairs, recipe.train.batch, generator))
      batch.times.push_back(time_pair(index, settings.skip_step));
    const Tensor omega = draw_omega(settings.omega, recipe.train.batch, generator, context.device);
    const auto f = [&](const DiffusionNetwork& network) {
      return
          [&](const Tensor& x, const Levels& levels) { return consistency(network, x, levels, drawn.states, omega); };
    };
    return loss(f(student), f(target), batch, drawn.states, omega);
  };
  const auto write = [&](const std::filesystem::path& folder) {
    write_student(folder, recipe, context, parent, CheckpointKind::kConsistency, config,
                  settings.keep == Kept::kAverage ? phase.average : phase.parameters);
  };
  phase.keep = [&](std::int64_t step) { write(kept_folder(recipe, step)); };
  if (!train(phase, recipe.train, recipe.seed, context.device, context.state, context.hooks)) return false;
  write(recipe.output);
  return true;
}

Distance distance_of(const ConsistencySettings& settings) {
  return {settings.distance == DistanceKind::kHuber, settings.huber_c};
}

}  // namespace

bool train_lcd(const Recipe& recipe, TrainingContext& context) {
  const Parent teacher = load_parent(recipe, CheckpointKind::kTeacher, context.device);
  const auto data = latents_of(recipe, context, teacher.parts);
  if (!data) return false;
  const Tensor empty = data->empty_states().to(context.device);
  const SolverStep& solver = solver_step(recipe.consistency.solver);
  const auto loss = [&](const BatchDenoiser& student, const BatchDenoiser& target, const ConsistencyBatch& batch,
                        const Tensor& states, const Tensor& omega) {
    const auto guided = [&](const Tensor& x, const Levels& levels) {
      return predict_guided_x0(teacher.network, x, levels, states, empty, omega);
    };
    return lcd_loss(student, target, guided, solver, teacher.schedule, batch, distance_of(recipe.consistency));
  };
  return train_consistency(recipe, context, teacher, "lcd", loss, *data);
}

bool train_lcf(const Recipe& recipe, TrainingContext& context) {
  const Parent model = load_parent(recipe, CheckpointKind::kConsistency, context.device);
  const auto data = latents_of(recipe, context, model.parts);
  if (!data) return false;
  const auto loss = [&](const BatchDenoiser& student, const BatchDenoiser& target, const ConsistencyBatch& batch,
                        const Tensor&, const Tensor&) {
    return lcf_loss(student, target, model.schedule, batch, distance_of(recipe.consistency));
  };
  return train_consistency(recipe, context, model, "lcf", loss, *data);
}

}  // namespace fewstep
