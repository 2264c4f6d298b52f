#include "cli/demo.h"

#include "core/error.h"

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path pocket_experiment() {
  std::error_code failure;
  const Path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  for (const Path& start : {program.parent_path(), std::filesystem::current_path()}) {
    for (Path folder = start; !folder.empty(); folder = folder.parent_path()) {
      const Path experiment = folder / "experiments" / "pocket.toml";
      if (std::filesystem::is_regular_file(experiment, failure)) return experiment;
      if (folder == folder.root_path()) break;
    }
  }
  throw input_error("demo", "expected experiments/pocket.toml above " + program.parent_path().string() +
                                " or the working directory, found none; run it inside the checkout");
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
