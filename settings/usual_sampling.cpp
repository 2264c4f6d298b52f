#include "settings/usual_sampling.h"

#include "samplers/catalog.h"

#include <algorithm>

namespace fewstep {
namespace {

constexpr int kTeacherSteps = 25, kFewSteps = 4;
constexpr double kTeacherGuidanceScale = 7.5, kStudentOmega = 7;

// Of a student: a teacher has several.
std::string only_sampler_of(CheckpointKind kind) {
  return std::string(std::ranges::find(kSamplers, kind, &SamplerInfo::kind)->name);
}

double omega_of(const Training& training) {
  if (!training.omega_low || !training.omega_high) return kStudentOmega;
  if (*training.omega_low <= kStudentOmega && kStudentOmega <= *training.omega_high) return kStudentOmega;
  return (*training.omega_low + *training.omega_high) / 2;
}

}  // namespace

UsualSampling usual_sampling(const CheckpointInfo& checkpoint, const Training& training) {
  if (checkpoint.kind == CheckpointKind::kTeacher && checkpoint.few_steps)
    return {"ddim",
            kFewSteps,
            {},
            checkpoint.scheduler + " with trailing times is a few-step model's: ddim takes the same steps, " +
                "without guidance"};
  if (checkpoint.kind == CheckpointKind::kTeacher)
    return {"dpm++", kTeacherSteps, {kTeacherGuidanceScale - 1, true}, {}};
  const std::string sampler = only_sampler_of(checkpoint.kind);
  const int steps = training.steps.value_or(kFewSteps);
  if (!checkpoint.omega_embedding)
    return {sampler, steps, {}, "its UNet has no omega embedding: it is sampled without guidance"};
  return {sampler, steps, {omega_of(training), false}, {}};
}

}  // namespace fewstep
