#pragma once
#include "cli/command_line.h"

#include <CLI/CLI.hpp>

namespace fewstep {

// The options of each command, read into its request. run_options.cpp has those that run experiments, image_options.cpp
// those on images, report_options.cpp those that read stores and files.
void add_run(CLI::App& app, RunRequest& request);
void add_demo(CLI::App& app, DemoRequest& request);
void add_init(CLI::App& app, InitRequest& request);
void add_watch(CLI::App& app, WatchRequest& request);
void add_merge(CLI::App& app, MergeRequest& request);
void add_audit(CLI::App& app, AuditRequest& request);
void add_distill(CLI::App& app, DistillRequest& request);
void add_sample(CLI::App& app, SampleRequest& request);
void add_score(CLI::App& app, ScoreRequest& request);
void add_stats(CLI::App& app, StatsRequest& request);
void add_report(CLI::App& app, ReportRequest& request);
void add_compare(CLI::App& app, CompareRequest& request);
void add_gate(CLI::App& app, CompareRequest& request);
void add_inspect(CLI::App& app, InspectRequest& request);
void add_completion(CLI::App& app, CompletionRequest& request);
void add_schema(CLI::App& app, SchemaRequest& request);

}  // namespace fewstep
