#include "settings/experiment_check.h"

#include "core/error.h"
#include "core/known_mistakes.h"
#include "core/names.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "samplers/catalog.h"
#include "settings/cells.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr double kMaxCells = 100'000;

class Checker {
 public:
  Checker(Experiment& experiment, const ExperimentPlaces& places, const std::string& only, Faults& faults)
      : experiment_(experiment), places_(places), only_(only), faults_(faults) {}

  void run() {
    check_spacings();
    check_times();
    check_step_folders();
    check_cell_count();
    read_own_grids();
    cells_ = select(expand(experiment_), only_);
    check_files();
    inspect_checkpoints();
    check_grids();
  }

 private:
  const std::string& place(const Path& path) const { return places_.paths.at(path); }

  bool any_sampler(bool (*property)(const SamplerInfo&)) const {
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints)
      for (const std::string& name : checkpoint.samplers)
        if (property(find_by_name(kSamplers, name, "sampler"))) return true;
    return false;
  }

  // A spacing that no sampler takes would be ignored in silence.
  void check_spacings() const {
    const auto given = places_.grid.texts("spacing");
    if (!given) return;
    const auto takes = [](const SamplerInfo& s) { return s.takes_spacing; };
    const auto takes_lcm = [](const SamplerInfo& s) { return s.kind == CheckpointKind::kConsistency; };
    for (const auto& [name, where] : *given) {
      const bool of_lcm = is_lcm(parse_spacing(name));
      if (of_lcm ? any_sampler(takes_lcm) : any_sampler(takes)) continue;
      throw usage_error(where, "expected a spacing that a sampler here takes, got " + name +
                                   (of_lcm ? ", which only " + listed(names_of(kSamplers, takes_lcm), "and") + " takes"
                                           : ", which " + listed(names_of(kSamplers, takes), "and") + " take"));
    }
  }

  // Times stand for a spacing, whose keys would be ignored in silence.
  void check_times() const {
    const bool everywhere = !experiment_.times.empty();
    constexpr const char* kOne = "expected {} or times, got both: times are all of a grid";
    if (everywhere) places_.grid.refuse({"spacing", "original_inference_steps"}, kOne);
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      const auto& times = experiment_.times_for(checkpoint);
      if (times.empty()) continue;
      const TomlTable& own = places_.checkpoints.at(checkpoint.name);
      own.refuse({"original_inference_steps"}, kOne);
      for (const int count : checkpoint.steps.empty() ? experiment_.steps : checkpoint.steps)
        if (!times.contains(count))
          throw usage_error(
              (own.has("times") ? own : places_.grid).where("times"),
              fmt::format("checkpoint {}: expected times for {} step{}, found none; add them, or leave {} "
                          "out of steps",
                          checkpoint.name, count, count == 1 ? "" : "s", count));
    }
  }

  void check_step_folders() const {
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      const auto& steps = checkpoint.steps.empty() ? experiment_.steps : checkpoint.steps;
      for (const int count : steps) {
        if (checkpoint.by_steps.empty() || checkpoint.by_steps.contains(count)) continue;
        throw usage_error(places_.checkpoints.at(checkpoint.name).where(),
                          fmt::format("checkpoint {}: expected a folder for {} steps in path, found none; add it or "
                                      "give steps = [ … ] of its own",
                                      checkpoint.name, count));
      }
    }
  }

  // Cells are counted before expand() makes them: five long axes multiply to more than memory holds.
  void check_cell_count() const {
    double cells = 0;
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      const auto& steps = checkpoint.steps.empty() ? experiment_.steps : checkpoint.steps;
      const auto& guidance = checkpoint.guidance.empty() ? experiment_.guidance : checkpoint.guidance;
      cells += static_cast<double>(checkpoint.samplers.size() * steps.size() * guidance.size()) *
               static_cast<double>(experiment_.spacing.size() * std::max(checkpoint.original_inference_steps.size(),
                                                                         experiment_.original_inference_steps.size()));
    }
    if (cells > kMaxCells)
      throw usage_error(places_.grid.where("steps"),
                        "expected at most 100000 cells, got axes that make more; use fewer values");
  }

  void check_caption_format() const {
    const std::string extension = extension_of(experiment_.prompts.file);
    if (is_caption_format(extension)) return;
    const std::string later = extension == ".tar" ? ", which belongs to a later version of fewstep" : "";
    throw usage_error(place(experiment_.prompts.file), unknown_caption_format(extension) + later);
  }

  void check_reference_images() const {
    const Path& images = *experiment_.reference_images;
    if (extension_of(images) == ".tar" && !std::filesystem::is_directory(images)) {
      throw usage_error(place(images),
                        "expected a folder of images, got a .tar, which belongs to a later version of fewstep");
    }
    expect_folder(images);
  }

  void expect_file(const Path& path) const {
    if (std::filesystem::is_regular_file(path)) return;
    throw input_error(place(path), "expected a file, found " + found_at(path));
  }
  void expect_folder(const Path& path) const {
    if (std::filesystem::is_directory(path)) return;
    throw input_error(place(path), "expected a folder, found " + found_at(path));
  }
  void expect_checkpoint(const Path& path) const {
    if (std::filesystem::is_directory(path)) return;
    const std::string hub = remedy_for_nothing_at(path);
    throw input_error(
        place(path),
        "expected a folder, found " + found_at(path) +
            (hub.empty() ? "; put it there, train it with fewstep distill, or leave it out with --only" : hub));
  }
  static std::string found_at(const Path& path) {
    const char* what = !std::filesystem::exists(path)        ? "nothing at "
                       : std::filesystem::is_directory(path) ? "a folder at "
                                                             : "a file at ";
    return what + path.string();
  }

  void check_files() {
    if (!experiment_.prompts.shapes) {
      check_caption_format();
      faults_.check([&] { expect_file(experiment_.prompts.file); });
    }
    const bool compares = std::any_of(
        experiment_.metrics.begin(), experiment_.metrics.end(),
        [](const MetricSettings& metric) { return find_by_name(kMetrics, metric.name, "metric").needs_reference; });
    if (compares && experiment_.reference_images) faults_.check([&] { check_reference_images(); });
    if (compares && experiment_.reference_statistics)
      faults_.check([&] { expect_file(*experiment_.reference_statistics); });
    for (const MetricSettings& metric : experiment_.metrics) {
      const bool is_folder = find_by_name(kMetrics, metric.name, "metric").network.is_folder;
      faults_.check([&] { is_folder ? expect_folder(metric.network) : expect_file(metric.network); });
    }
    for_each_ref([this](const ExperimentCheckpoint& checkpoint, const CheckpointRef& ref) {
      if (!checkpoint.training && is_needed(ref)) faults_.check([&] { expect_checkpoint(ref.folder); });
    });
  }

  void inspect_checkpoints() {
    for_each_ref([this](const ExperimentCheckpoint& checkpoint, const CheckpointRef& ref) {
      const bool there = checkpoint.training || std::filesystem::is_directory(ref.folder);  // else it was told
      if (is_needed(ref) && there) faults_.check([&] { inspect(checkpoint, ref); });
    });
  }

  template <typename Use>
  void for_each_ref(Use&& use) {
    for (ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      if (checkpoint.by_steps.empty()) use(checkpoint, checkpoint.path);
      for (const auto& [steps, path] : checkpoint.by_steps) use(checkpoint, path);
    }
  }

  // Without --only every folder that the file names is needed, else those of the cells that are left.
  bool is_needed(const CheckpointRef& ref) const {
    return only_.empty() ||
           std::any_of(cells_.begin(), cells_.end(), [&](const Cell& cell) { return cell.checkpoint == ref; });
  }

  // The grid that each consistency model was trained on. What cannot be read is told by inspect(), if it is needed.
  void read_own_grids() {
    for_each_ref([this](ExperimentCheckpoint& checkpoint, const CheckpointRef& ref) {
      if (checkpoint.training) return;
      try {
        const CheckpointInfo info = inspect_checkpoint(ref, false);
        if (info.kind == CheckpointKind::kConsistency)
          checkpoint.own_original_inference_steps[ref] = info.original_inference_steps;
        infos_.emplace(ref, info);
      } catch (const Error&) {
        return;
      }
    });
  }

  void inspect(const ExperimentCheckpoint& checkpoint, const CheckpointRef& ref) {
    auto found = infos_.find(ref);
    if (found == infos_.end()) {
      // What is trained first has its parent's noise schedule, and samplers that fit it.
      const CheckpointRef from = checkpoint.training ? experiment_.training[*checkpoint.training].parent : ref;
      found = infos_.emplace(ref, inspect_checkpoint(from, false)).first;
    }
    if (checkpoint.training) return;
    const CheckpointInfo& info = found->second;
    const TomlTable& table = places_.checkpoints.at(checkpoint.name);
    for (std::size_t i = 0; i < checkpoint.samplers.size(); ++i) {
      const SamplerInfo& sampler = find_by_name(kSamplers, checkpoint.samplers[i], "sampler");
      const auto& times = experiment_.times_for(checkpoint);
      if (!is_fit(sampler, info, {.times = times.empty() ? std::vector<int>() : times.begin()->second}))
        throw unfit_sampler(table.texts("samplers")->at(i).where, checkpoint.samplers[i], info);
      tell_lcm_on_teacher("checkpoint " + checkpoint.name, sampler, info);
    }
  }

  void check_grids() const {
    for (const Cell& cell : cells_) {
      const auto known = infos_.find(cell.checkpoint);
      if (known == infos_.end()) continue;  // it cannot be read, which was told
      const CheckpointInfo& info = known->second;
      tell_negative_guidance("checkpoint " + cell.key.checkpoint_name, guidance_of(cell.key), info);
      try {
        make_grid(schedule_of(info), grid_of(cell.key, info));
      } catch (const Error& error) {
        const TomlTable& own = places_.checkpoints.at(cell.key.checkpoint_name);
        throw Error(error.code(), (own.has("steps") ? own : places_.grid).where("steps"),
                    cell_label(cell.key) + ": " + error.what());
      }
    }
  }

  Experiment& experiment_;
  const ExperimentPlaces& places_;
  const std::string& only_;
  Faults& faults_;
  std::vector<Cell> cells_;
  std::map<CheckpointRef, CheckpointInfo> infos_;
};

}  // namespace

void check_experiment(Experiment& experiment, const ExperimentPlaces& places, const std::string& only, Faults& faults) {
  Checker(experiment, places, only, faults).run();
}

}  // namespace fewstep
