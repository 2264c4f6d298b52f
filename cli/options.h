#pragma once
#include "metrics/catalog.h"
#include "settings/requests.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewstep {

// Options that several commands have, each with its bounds and its help.

std::vector<std::string> texts(std::span<const std::string_view> names);

void add_device(CLI::App& app, std::string& device);
struct ComputeOptions {
  std::string& device;
  std::string* dtype;
  int& batch;
};
// --device, --dtype where there is one, --batch.
void add_compute(CLI::App& app, ComputeOptions to, const char* batch_text);
void add_verify(CLI::App& app, bool& verify);
void add_metric_precision(CLI::App& app, std::string& precision);
void add_set(CLI::App& app, std::vector<std::string>& set, const std::string& examples);
void add_only(CLI::App& app, std::string& only);
void add_limit(CLI::App& app, std::optional<std::int64_t>& limit);
// What every command has that may take long: --quiet, --progress.
void add_progress(CLI::App& app);
// An option for the network of each metric that takes; what makes its help.
void add_networks(CLI::App& app, Networks& networks, bool (*takes)(const MetricInfo&),
                  std::string (*what)(const MetricInfo&));
std::string network_text(const MetricInfo& metric);
// What a run of checkpoints says instead of a file.
void add_short_run(CLI::App& app, ShortRun& to);

// --omega and --guidance-scale, of which one may be given.
template <typename To>  // Guidance, or an optional one
std::pair<CLI::Option*, CLI::Option*> add_guidance(CLI::App& app, To& guidance, const std::string& what) {
  auto* omega = app.add_option_function<double>(
      "--omega",
      [&guidance](const double& value) {
        guidance = Guidance{value, false};
      },
      "guidance " + what);
  omega->check(CLI::Range(-1.0, 999.0))->type_name("W");
  auto* scale = app.add_option_function<double>(
      "--guidance-scale",
      [&guidance](const double& value) {
        guidance = Guidance{value - 1, true};
      },
      "the same knob: 1 + omega");
  scale->check(CLI::Range(0.0, 1000.0))->type_name("S")->excludes(omega);
  return {omega, scale};
}

}  // namespace fewstep
