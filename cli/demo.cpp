#include "cli/demo.h"

#include "core/checkout.h"
#include "core/error.h"

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path pocket_experiment() {
  const auto experiment = find_in_checkout("experiments/pocket.toml");
  if (experiment) return *experiment;
  throw input_error("demo",
                    "expected experiments/pocket.toml above the program or the working directory, found none; "
                    "run it inside the checkout");
}

}  // namespace

Path page_of(const DemoRequest& request) { return Path(request.store).replace_extension(".html"); }

RunRequest run_of(const DemoRequest& request) {
  RunRequest run;
  run.experiment = pocket_experiment();
  run.store = request.store;
  run.limit = request.limit;
  run.device = request.device;
  return run;
}

}  // namespace fewstep
