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
  DiffusionPipeline (*load)(const std::filesystem::path& folder, const Compute& compute);
  void (*check)(const std::filesystem::path& folder, Faults& faults);
  LatentShape (*latent_shape)(const std::filesystem::path& folder);
};
constexpr std::array<Loader, 1> kLoaders{{{"sd", load_sd, check_sd, sd_latent_shape}}};
static_assert(same_names(kLoaders, kFamilies));

const Loader& loader_of(const FamilyInfo& family) { return find_by_name(kLoaders, family.name, "family"); }

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& folder, const Compute& compute, bool with_hash) {
  CheckpointInfo info = inspect_checkpoint(folder, with_hash);
  Schedule schedule = schedule_of(info);
  DiffusionPipeline pipeline = loader_of(*info.family).load(folder, compute);
  return {std::move(info), std::move(schedule), std::move(pipeline)};
}

void check_checkpoint(const std::filesystem::path& folder, Faults& faults) {
  const FamilyInfo* family = &kFamilies.front();  // whose networks are looked at where nothing else is known
  if (!faults.check([&] { family = inspect_checkpoint(folder, false).family; }) &&
      !std::filesystem::is_directory(folder))
    return;
  loader_of(*family).check(folder, faults);
}

LatentShape latent_shape(const std::filesystem::path& folder) {
  return loader_of(family_of(folder)).latent_shape(folder);
}

}  // namespace fewstep
