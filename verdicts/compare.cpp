#include "verdicts/compare.h"

#include "core/files.h"
#include "core/names.h"
#include "reports/scores.h"
#include "verdicts/judge.h"
#include "verdicts/prepare.h"
#include "verdicts/printers.h"
#include "verdicts/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>

namespace fewstep {
namespace {

constexpr std::size_t kLostCells = 3, kLostPrompts = 6;

// The baseline under another seed, compared with itself: other noise is what it is there for.
NoiseFloor read_floor(const CompareRequest& request, const Arm& baseline, Gate gate) {
  gate.unequal_noise = true;
  gate.margins.clear();
  const Arm again = open_arm(request.floor_store.string(), request.only);
  const Comparison of_itself = judge(baseline, again, match(baseline, again, gate), gate);
  if (of_itself.code == ExitCode::kNotComparable || of_itself.code == ExitCode::kIncomplete) {
    const auto& why = of_itself.incomplete.empty() ? of_itself.unequal : of_itself.incomplete;
    throw Error(of_itself.code, "--noise-floor",
                "the baseline under another seed is no measure: " +
                    (why.empty() ? std::string("nothing is comparable") : why.front()));
  }
  return noise_floor(of_itself);
}

// Two arms of one seed.
struct ArmPair {
  Arm baseline, candidate;
  Matching matching;
};

// The arms, their comparison, and what to show of it (of the first seed).
struct Compared {
  std::vector<std::unique_ptr<ArmPair>> seeds;  // in place: what is matched points into the arms
  Comparison comparison;
  std::vector<LostPrompts> lost;
};

std::unique_ptr<ArmPair> open_pair(const std::string& baseline, const std::string& candidate, const std::string& only,
                                   const Gate& gate) {
  auto pair = std::make_unique<ArmPair>();
  pair->baseline = open_arm(baseline, only);
  pair->candidate = open_arm(candidate, only);
  pair->matching = match(pair->baseline, pair->candidate, gate);
  return pair;
}

Compared compare_arms(const CompareRequest& request) {
  Gate gate = request.gate ? read_gate(*request.gate) : Gate();
  gate.unequal_noise = gate.unequal_noise || request.unequal_noise;
  const auto baselines = split_arm(request.baseline), candidates = split_arm(request.candidate);
  if (baselines.size() != candidates.size())
    throw usage_error(
        "CANDIDATE",
        fmt::format("expected as many stores as the baseline has, {}, got {}; seeds are compared one by one",
                    baselines.size(), candidates.size()));
  Compared all;
  for (std::size_t i = 0; i < baselines.size(); ++i)
    all.seeds.push_back(open_pair(baselines[i], candidates[i], request.only, gate));
  const ArmPair& first = *all.seeds.front();
  if (all.seeds.size() == 1) {
    all.comparison = judge(first.baseline, first.candidate, first.matching, gate);
  } else {
    std::vector<Comparison> prepared;
    for (const auto& seed : all.seeds)
      prepared.push_back(prepare(seed->baseline, seed->candidate, seed->matching, gate));
    all.comparison = mean_over_seeds(std::move(prepared));
    settle(all.comparison);
  }
  if (!request.floor_store.empty()) apply_noise_floor(all.comparison, read_floor(request, first.baseline, gate));
  all.lost = lost_prompts(first.baseline, first.candidate, first.matching, all.comparison, kLostCells, kLostPrompts);
  return all;
}

}  // namespace

std::vector<WantedPictures> wanted_pictures(const CompareRequest& request) {
  const Compared all = compare_arms(request);
  const ArmPair& first = *all.seeds.front();
  std::vector<WantedPictures> wanted{{first.baseline.path, {}}, {first.candidate.path, {}}};
  for (const LostPrompts& cell : all.lost) {
    const auto pair = std::find_if(first.matching.pairs.begin(), first.matching.pairs.end(),
                                   [&](const CellPair& one) { return one.label == cell.cell; });
    for (const LostPrompt& prompt : cell.prompts) {
      const auto add = [&](const Arm& arm, const StoredCell& stored, const std::optional<StoredSample>& sample,
                           auto& list) {
        if (sample && sample->image_path.empty() && !made_elsewhere(stored))
          list.push_back({stored, cell_of(stored, arm.table), prompt.row});
      };
      add(first.baseline, *pair->baseline, prompt.baseline, wanted[0].pictures);
      add(first.candidate, *pair->candidate, prompt.candidate, wanted[1].pictures);
    }
  }
  return wanted;
}

int run_compare(const CompareRequest& request, std::ostream& out, std::ostream& err) {
  const VerdictPrinter& printer = find_by_name(kVerdictPrinters, request.format, "--format");
  if (request.format == "html" && request.terminal)
    throw usage_error("--format html",
                      "expected a pipe, or -o FILE.html beside the table: a page does not belong on a terminal");
  std::vector<const VerdictPrinter*> printers;  // of the outputs
  for (const auto& output : request.outputs)
    printers.push_back(&find_by_name(kVerdictPrinters, format_of_file(output, "", kVerdictFormats), "-o"));
  const Compared all = compare_arms(request);
  const ArmPair& first = *all.seeds.front();
  const VerdictInput input{all.comparison, first.baseline, first.candidate, all.lost, request.colour};
  for (std::size_t i = 0; i < printers.size(); ++i)
    write_file_atomically(request.outputs[i], printers[i]->print(input));
  out << printer.print(input);
  if (!out.flush()) throw environment_error("standard output", "cannot be written to its end");
  if (&printer != &kVerdictPrinters.front()) err << headline_of(all.comparison) << "\n";
  return static_cast<int>(all.comparison.code);
}

}  // namespace fewstep
