#pragma once
#include "cli/demo.h"
#include "harness/distill_request.h"
#include "harness/run_request.h"
#include "harness/sample_request.h"
#include "harness/score_request.h"
#include "reports/report.h"

#include <filesystem>
#include <iosfwd>
#include <variant>

namespace fewstep {

// fewstep inspect: what a checkpoint, store, statistics or safetensors file holds.
struct InspectRequest {
  std::filesystem::path path = {};
  bool json = false;
};

// What the user asked for; an int: the exit code of something already answered (--help, --version).
using Command = std::variant<int, RunRequest, SampleRequest, ScoreRequest, StatsRequest, ReportRequest, InspectRequest,
                             DistillRequest, DemoRequest>;

// Reads the command line; fewstep and fewstep-engine share it. Help goes to out. Throws Error (kUsage).
Command parse_command_line(int argc, const char* const* argv, std::ostream& out);

// The networks of this command need LibTorch: it is fewstep-engine's.
bool needs_engine(const Command& command);

}  // namespace fewstep
