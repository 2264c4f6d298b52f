#include "cli/demo.h"

#include "cli/pocket_archive.h"
#include "core/checkout.h"
#include "core/error.h"

#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr const char* kPocketExperiment = "experiments/pocket.toml";

Path pocket_experiment() {
  const auto experiment = find_in_checkout(kPocketExperiment);
  if (experiment) return *experiment;
  throw input_error("demo",
                    "expected experiments/pocket.toml above the program or the working directory, found none; "
                    "run it inside the checkout");
}

}  // namespace

Path page_of(const DemoRequest& request) { return Path(request.store).replace_extension(".html"); }

void unpack_on_first_use(std::ostream& err) {
  const Path archive = pocket_archive();
  if (find_in_checkout(kPocketExperiment) || !std::filesystem::exists(archive)) return;
  unpack_pocket(archive, ".");
  err << "demo: unpacked the pocket world into ./pocket and its experiment into ./" << kPocketExperiment << "\n";
}

RunRequest run_of(const DemoRequest& request) {
  RunRequest run;
  run.experiment = pocket_experiment();
  run.store = request.store;
  run.limit = request.limit;
  run.device = request.device;
  return run;
}

}  // namespace fewstep
