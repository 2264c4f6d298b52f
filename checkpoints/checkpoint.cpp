#include "checkpoints/checkpoint.h"

#include "checkpoints/sd.h"
#include "core/names.h"

#include <array>
#include <optional>

namespace fewstep {
namespace {

// A row of checkpoints/families.h with its functions.
struct Loader {
  std::string_view name;
  DiffusionPipeline (*load)(const CheckpointRef& checkpoint, const Compute& compute);
  void (*check)(const CheckpointRef& checkpoint, Faults& faults);
  LatentShape (*latent_shape)(const CheckpointRef& checkpoint);
};
constexpr std::array<Loader, 1> kLoaders{{{"sd", load_sd, check_sd, sd_latent_shape}}};
static_assert(same_names(kLoaders, kFamilies));

const Loader& loader_of(const FamilyInfo& family) { return find_by_name(kLoaders, family.name, "family"); }

}  // namespace

Checkpoint load_checkpoint(const CheckpointRef& checkpoint, const Compute& compute, bool with_hash) {
  CheckpointInfo info = inspect_checkpoint(checkpoint, with_hash);
  Schedule schedule = schedule_of(info);
  DiffusionPipeline pipeline = loader_of(*info.family).load(checkpoint, compute);
  return {std::move(info), std::move(schedule), std::move(pipeline)};
}

void check_checkpoint(const CheckpointRef& checkpoint, Faults& faults) {
  const FamilyInfo* family = &kFamilies.front();  // whose networks are looked at where nothing else is known
  if (!faults.check([&] { family = inspect_checkpoint(checkpoint, false).family; }) &&
      !std::filesystem::is_directory(checkpoint.folder))
    return;
  loader_of(*family).check(checkpoint, faults);
}

LatentShape latent_shape(const CheckpointRef& checkpoint) {
  return loader_of(family_of(checkpoint.folder)).latent_shape(checkpoint);
}

}  // namespace fewstep
