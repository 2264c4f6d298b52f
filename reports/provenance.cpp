#include "reports/provenance.h"

#include "reports/document.h"
#include "reports/flags.h"
#include "reports/number_text.h"
#include "reports/scores.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <map>

namespace fewstep {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

// The list has each value of a field once, in the order of the cells.
std::string distinct(const StoredTable& table, const std::function<std::string(const StoredCell&)>& field) {
  std::vector<std::string> seen;
  for (const StoredCell& cell : table.cells) {
    std::string value = field(cell);
    if (!value.empty() && std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(std::move(value));
  }
  return fmt::format("{}", fmt::join(seen, "; "));
}

// {"cpu": {"name": "x"}} as "cpu.name: x", one pair a scalar.
void flatten(const nlohmann::json& json, const std::string& name, std::vector<std::string>& pairs) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) flatten(value, name.empty() ? key : name + "." + key, pairs);
  } else if (json.is_string()) {
    pairs.push_back(name + ": " + json.get<std::string>());
  } else if (!json.is_null()) {
    pairs.push_back(name + ": " + json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

std::string environment_text(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return text;
  std::vector<std::string> pairs;
  flatten(json, "", pairs);
  return fmt::format("{}", fmt::join(pairs, ", "));
}

void add_images(const StoredTable& table, Lines& lines) {
  std::int64_t most = 0, least = table.cells.empty() ? 0 : table.cells.front().expected_images;
  for (const StoredCell& cell : table.cells) {
    most = std::max(most, cell.expected_images);
    least = std::min(least, cell.expected_images);
  }
  lines.emplace_back("Images", most == least ? fmt::format("{} in each cell", most)
                                             : fmt::format("{} to {} in each cell", least, most));
}

// A name that people know before the hash that decides: "pocket/reference.npz (9eca97414d27ecaa)".
std::string named(const StoredTable& table, const std::string& fact, const std::string& hash) {
  const auto found = table.facts.find(fact);
  return found == table.facts.end() ? hash : found->second + " (" + hash + ")";
}

// Where the store has more than the experiment that is shown.
void add_store(const StoredTable& table, Lines& lines) {
  std::map<std::int64_t, std::pair<std::string, std::vector<std::int64_t>>> experiments;
  for (const StoredRun& run : table.runs) {
    auto& [name, runs] = experiments[run.config_id];
    name = run.experiment;
    runs.push_back(run.id);
  }
  if (experiments.size() < 2) return;
  std::vector<std::string> texts;
  for (const auto& [config, experiment] : experiments)
    texts.push_back(fmt::format("{} (run{} {})", experiment.first, experiment.second.size() == 1 ? "" : "s",
                                fmt::join(experiment.second, ", ")));
  lines.emplace_back("Store", fmt::format("holds {} experiments: {}; shown is run {}, --run shows another",
                                          experiments.size(), fmt::join(texts, "; "), table.run.id));
}

bool is_biased(const StoredTable& table, const ScoreKey& key) {
  return std::any_of(table.cells.begin(), table.cells.end(), [&](const StoredCell& cell) {
    const StoredScore* stored = find_score(cell, key);
    return stored && std::ranges::count(stored->score.flags, FlagKind::kBiasedUpward, &Flag::kind) > 0;
  });
}

void add_protocols(const StoredTable& table, Lines& lines) {
  for (const ScoreKey& key : score_keys(table.cells)) {
    std::string text = fmt::format("{}: {}, version {}, model {}", metric_title(key.metric.name), key.metric.protocol,
                                   key.metric.version,
                                   named(table, "network of " + key.metric.name, short_hash(key.metric.model_hash)));
    if (!key.reference_hash.empty()) text += ", reference " + named(table, "reference", short_hash(key.reference_hash));
    text += "; ± is one standard error";
    if (is_biased(table, key)) text += "; biased upward at this N: compare at equal N only";
    lines.emplace_back("Protocol", text);
  }
}

void add_timing_counts(const StoredTable& table, Lines& lines) {
  std::vector<std::string> seen;
  for (const StoredCell& cell : table.cells) {
    for (const BatchTiming& timing : cell.timings) {
      std::string text =
          fmt::format("batch {}: {} repetitions in {} process{}", timing.batch, timing.total ? timing.total->n : 0,
                      timing.processes, timing.processes == 1 ? "" : "es");
      if (std::find(seen.begin(), seen.end(), text) == seen.end()) seen.push_back(std::move(text));
    }
  }
  lines.emplace_back("Timing", seen.empty() ? "none stored" : fmt::format("{}", fmt::join(seen, "; ")));
}

}  // namespace

Lines provenance_lines(const StoredTable& table) {
  Lines lines;
  add_images(table, lines);
  add_protocols(table, lines);
  const std::string sources =
      "source " + distinct(table, [](const StoredCell& cell) { return short_hash(cell.key.prompt_source); });
  const auto prompts = table.facts.find("prompts");
  lines.emplace_back("Prompts", prompts == table.facts.end() ? sources : prompts->second + ", " + sources);
  if (const auto negative = distinct(table, [](const StoredCell& cell) { return cell.key.negative_prompt; });
      !negative.empty())
    lines.emplace_back("Negative prompt", negative);
  lines.emplace_back("Seed", distinct(table, [&](const StoredCell& cell) {
                       return made_elsewhere(cell) ? "not known" : std::to_string(cell.key.seed);
                     }));
  lines.emplace_back("Sampling", distinct(table, [&](const StoredCell& cell) {
                       const CellKey& key = cell.key;
                       if (made_elsewhere(cell)) return std::string("not known");
                       const auto original = key.original_inference_steps;
                       return key.spacing + (original ? fmt::format(" of {} original steps", original) : "") +
                              ", final sigma " + key.final_sigma + later_axes_text(key);
                     }));
  for (const StoredCheckpoint& checkpoint : table.checkpoints)
    lines.emplace_back("Checkpoint", fmt::format("{}: {}, {}, {}", checkpoint.name, checkpoint.kind,
                                                 short_hash(checkpoint.sha256), checkpoint.path));
  lines.emplace_back("Device", distinct(table, [&](const StoredCell& cell) {
                       if (made_elsewhere(cell)) return std::string("made elsewhere");
                       return fmt::format("{} {} at {} × {}", cell.key.device_kind, cell.key.dtype, cell.key.width,
                                          cell.key.height);
                     }));
  const auto meanwhile = table.facts.find("machine while timing");
  lines.emplace_back("Environment", environment_text(table.environment_json) +
                                        (meanwhile == table.facts.end() ? "" : "; while timing, " + meanwhile->second));
  add_timing_counts(table, lines);
  for (const auto& [fact, title] : {std::pair("experiment file", "Experiment file"), std::pair("command", "Command")})
    if (const auto found = table.facts.find(fact); found != table.facts.end()) lines.emplace_back(title, found->second);
  add_store(table, lines);
  const std::string end = table.run.ended.empty() ? end_text(table.run) : "to " + table.run.ended;
  lines.emplace_back("Run", fmt::format("{} {}, fewstep {}", table.run.started, end, table.run.version));
  return lines;
}

Lines provenance_lines(std::span<const Arm> arms) {
  if (arms.size() == 1) return provenance_lines(arms.front().table);
  std::vector<Lines> of_arm;
  for (const Arm& arm : arms) of_arm.push_back(provenance_lines(arm.table));
  Lines lines;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    for (const auto& line : of_arm[i]) {
      const bool common = std::all_of(of_arm.begin(), of_arm.end(), [&](const Lines& other) {
        return std::find(other.begin(), other.end(), line) != other.end();
      });
      if (!common)
        lines.emplace_back(line.first, arms[i].name + ": " + line.second);
      else if (i == 0)
        lines.push_back(line);
    }
  }
  return lines;
}

}  // namespace fewstep
