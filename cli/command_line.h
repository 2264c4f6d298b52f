#pragma once
#include "cli/demo.h"
#include "cli/watch.h"
#include "reports/report.h"
#include "settings/requests.h"
#include "verdicts/compare.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <variant>

namespace fewstep {

// fewstep inspect: what a checkpoint, store, statistics or safetensors file holds.
struct InspectRequest {
  std::filesystem::path path = {};
  bool json = false;
};

// fewstep schema: a JSON Schema for editors.
struct SchemaRequest {
  std::string kind = {};  // "experiment" or "recipe"
};

// fewstep completion: for a shell.
struct CompletionRequest {
  std::string shell = {};  // "bash" or "zsh"
};

// What the user asked for; an int: the exit code of something already answered (--help, --version).
using Command = std::variant<int, RunRequest, SampleRequest, ScoreRequest, StatsRequest, ReportRequest, InspectRequest,
                             DistillRequest, DemoRequest, SchemaRequest, CompareRequest, WatchRequest, MergeRequest,
                             AuditRequest, InitRequest, CompletionRequest>;

// Reads the command line; fewstep and fewstep-engine share it. Help goes to out. Throws Error (kUsage).
Command parse_command_line(int argc, const char* const* argv, std::ostream& out);

// The networks of this command need LibTorch: it is fewstep-engine's.
bool needs_engine(const Command& command);

}  // namespace fewstep
