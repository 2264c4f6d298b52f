#pragma once
#include "distill/trainer.h"
#include "settings/recipe.h"
#include "settings/requests.h"

#include <c10/core/Device.h>

#include <iosfwd>
#include <vector>

namespace fewstep {

// Trains what a recipe says, from where an interrupted run of it stopped, into recipe.output. Returns the loss curve,
// empty where the output is there already, or nothing where it was interrupted (the state is kept).
// Throws Error: kUsage for a recipe that does not fit its parents, kInput for broken inputs and a loss that is not
// finite, kEnvironment for disk and device.
std::optional<LossCurve> train_recipe(const Recipe& recipe, at::Device device, bool again, std::ostream& messages);

// The command; returns the exit code.
int run_distill(const DistillRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
