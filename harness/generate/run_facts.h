#pragma once
#include "harness/generate/cut_captions.h"
#include "harness/generate/plan.h"
#include "settings/requests.h"

#include <map>
#include <string>

namespace fewstep {

// What a run is made from, by the names that people know: "command", "experiment file", "experiment" (its text),
// "prompts", "reference", "network of METRIC", and "request": the RunRequest, for a run that repeats it. Kept with the
// run (Store::set_fact), and shown before the hashes.
std::map<std::string, std::string> run_facts(const RunRequest& request, const Experiment& experiment, const Plan& plan,
                                             const CutCaptions& cut);

// What a run was asked for, from its facts; store: its file. Throws Error (kInput) where it is not known (of older
// versions, or images made elsewhere), and where the experiment file is gone or says something else now.
RunRequest request_of(const std::map<std::string, std::string>& facts, const std::filesystem::path& store);

// Where the students of a request's experiment are trained; empty: results/NAME.trained.
std::filesystem::path trained_folder(const RunRequest& request);

// The --batch of a run, from its facts; 0 where it was not given, or is not known.
int batch_of_run(const std::map<std::string, std::string>& facts);

}  // namespace fewstep
