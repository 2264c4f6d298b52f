#pragma once
#include "harness/plan.h"
#include "harness/requests.h"

#include <map>
#include <string>

namespace fewstep {

// What a run is made from, by the names that people know: "command", "experiment file", "experiment" (its text),
// "prompts", "reference" and "network of METRIC". Kept with the run (Store::set_fact), and shown before the hashes.
std::map<std::string, std::string> run_facts(const RunRequest& request, const Experiment& experiment, const Plan& plan);

}  // namespace fewstep
