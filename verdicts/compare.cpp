#include "verdicts/compare.h"

#include "core/files.h"
#include "core/names.h"
#include "verdicts/judge.h"
#include "verdicts/printers.h"

#include <algorithm>
#include <memory>
#include <ostream>

namespace fewstep {
namespace {

constexpr std::size_t kLostCells = 3, kLostPrompts = 6;

const VerdictPrinter& printer_of(const std::filesystem::path& output, const VerdictPrinter& fallback) {
  const auto found = std::find_if(kVerdictPrinters.begin(), kVerdictPrinters.end(), [&](const VerdictPrinter& printer) {
    return printer.ending == output.extension().string();
  });
  return found == kVerdictPrinters.end() ? fallback : *found;
}

// The baseline under another seed, compared with itself: other noise is what it is there for.
NoiseFloor read_floor(const CompareRequest& request, const Arm& baseline, Gate gate) {
  gate.unequal_noise = true;
  gate.margins.clear();
  const Arm again = open_arm(request.floor_store.string(), request.only);
  const Comparison of_itself = judge(baseline, again, match(baseline, again, true), gate);
  if (of_itself.code == ExitCode::kNotComparable || of_itself.code == ExitCode::kIncomplete) {
    const auto& why = of_itself.incomplete.empty() ? of_itself.unequal : of_itself.incomplete;
    throw Error(of_itself.code, "--noise-floor",
                "the baseline under another seed is no measure: " +
                    (why.empty() ? std::string("nothing is comparable") : why.front()));
  }
  return noise_floor(of_itself);
}

// The arms, their comparison, and what to show of it.
struct Compared {
  Arm baseline, candidate;
  Matching matching;
  Comparison comparison;
  std::vector<LostPrompts> lost;
};

// In place: what is matched points into the arms.
std::unique_ptr<Compared> compare_arms(const CompareRequest& request) {
  Gate gate = request.gate ? read_gate(*request.gate) : Gate();
  gate.unequal_noise = gate.unequal_noise || request.unequal_noise;
  auto all = std::make_unique<Compared>();
  all->baseline = open_arm(request.baseline, request.only);
  all->candidate = open_arm(request.candidate, request.only);
  all->matching = match(all->baseline, all->candidate, gate.unequal_noise);
  all->comparison = judge(all->baseline, all->candidate, all->matching, gate);
  if (!request.floor_store.empty()) apply_noise_floor(all->comparison, read_floor(request, all->baseline, gate));
  all->lost = lost_prompts(all->baseline, all->candidate, all->matching, all->comparison, kLostCells, kLostPrompts);
  return all;
}

}  // namespace

WantedPictures wanted_pictures(const CompareRequest& request) {
  const auto all = compare_arms(request);
  WantedPictures wanted{all->baseline.path, all->candidate.path, {}, {}};
  for (const LostPrompts& cell : all->lost) {
    const auto pair = std::find_if(all->matching.pairs.begin(), all->matching.pairs.end(),
                                   [&](const CellPair& one) { return one.label == cell.cell; });
    for (const LostPrompt& prompt : cell.prompts) {
      const auto add = [&](const Arm& arm, const StoredCell& stored, const std::optional<StoredSample>& sample,
                           auto& list) {
        if (sample && sample->image_path.empty() && stored.series.checkpoint_kind != kElsewhere)
          list.push_back({stored, cell_of(stored, arm.table), prompt.row, prompt.text});
      };
      add(all->baseline, *pair->baseline, prompt.baseline, wanted.baseline);
      add(all->candidate, *pair->candidate, prompt.candidate, wanted.candidate);
    }
  }
  return wanted;
}

int run_compare(const CompareRequest& request, std::ostream& out, std::ostream& err) {
  const VerdictPrinter& printer = find_by_name(kVerdictPrinters, request.format, "--format");
  const auto all = compare_arms(request);
  const VerdictInput input{all->comparison, all->baseline, all->candidate, all->lost, request.colour};
  for (const auto& output : request.outputs) write_file_atomically(output, printer_of(output, printer).print(input));
  out << printer.print(input);
  if (!out.flush()) throw environment_error("standard output", "cannot be written to its end");
  if (&printer != &kVerdictPrinters.front()) err << headline_of(all->comparison) << "\n";
  return static_cast<int>(all->comparison.code);
}

}  // namespace fewstep
