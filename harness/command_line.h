#pragma once
#include "harness/run_request.h"
#include "harness/sample_request.h"
#include "harness/score_request.h"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>

namespace fewstep {

// fewstep report: the table of a store.
struct ReportCommand {
  std::filesystem::path store = {};
  std::string format = "table";  // "markdown" "csv" "json"
  std::optional<std::filesystem::path> output = {};
};

// fewstep inspect: what a checkpoint, store, statistics or safetensors file holds.
struct InspectCommand {
  std::filesystem::path path = {};
};

// What the user asked for; an int: the exit code of something already answered (--help, --version).
using Command = std::variant<int, RunRequest, SampleRequest, ScoreRequest, StatsRequest, ReportCommand, InspectCommand>;

// Reads the command line; fewstep and fewstep-engine share it. Help goes to out. Throws Error (kUsage).
Command parse_command_line(int argc, const char* const* argv, std::ostream& out);

// The networks of this command need LibTorch: it is fewstep-engine's.
bool needs_engine(const Command& command);

}  // namespace fewstep
