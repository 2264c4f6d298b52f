#include "reports/arm.h"

#include "core/error.h"
#include "core/names.h"
#include "core/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace fewstep {
namespace {

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return number;
}

}  // namespace

Cell cell_of(const StoredCell& stored, const StoredTable& table) {
  Cell cell{stored.key, {}};
  for (const StoredCheckpoint& checkpoint : table.checkpoints)
    if (checkpoint.sha256 == stored.key.checkpoint_sha256) cell.checkpoint = checkpoint.path;
  return cell;
}

std::vector<bool> fits(const std::vector<StoredCell>& cells, const std::string& only) {
  std::vector<CellKey> keys;
  for (const StoredCell& cell : cells) keys.push_back(cell.key);
  return which_fit(keys, only);
}

Arm open_arm(const std::string& text, const std::string& only) {
  Arm arm;
  arm.text = text;
  std::string part;
  arm.path = text;
  const auto hash = text.rfind('#');
  std::error_code failure;
  if (hash != std::string::npos && !std::filesystem::exists(text, failure)) {
    arm.path = text.substr(0, hash);
    part = text.substr(hash + 1);
  }
  arm.store = std::make_shared<Store>(Store::open(arm.path, Store::Mode::kRead));
  const auto named = part.empty() ? std::nullopt : newest_run_of(*arm.store, part);
  const auto number = whole_number(part);
  if (!part.empty() && !named && !number)
    throw usage_error(text, "expected a run's number or a checkpoint after #: " +
                                unknown_name(part, std::span<const std::string>(checkpoint_names(*arm.store))));
  arm.table = read_table(*arm.store, named ? named : number);
  if (const StoredRun& newest = arm.table.runs.back(); part.empty() && newest.id != arm.table.run.id)
    warn(text, fmt::format("run {} ({}: {}) added nothing, so this is run {}; {}#{} shows it", newest.id,
                           newest.experiment, end_text(newest), arm.table.run.id, arm.path.string(), newest.id));
  if (arm.table.cells.empty()) throw input_error(text, "expected a run with cells, got one without");
  // Of all cells of the run: "sampler=ddim,lcm" says it of a teacher and of its student.
  const auto which = fits(arm.table.cells, only);
  std::size_t i = 0;
  std::erase_if(arm.table.cells, [&](const StoredCell&) { return !which[i++]; });
  if (named) std::erase_if(arm.table.cells, [&](const StoredCell& cell) { return cell.key.checkpoint_name != part; });
  if (arm.table.cells.empty())
    throw usage_error("--only", "expected clauses that leave a cell of " + text + ", got \"" + only + "\"");
  for (const StoredRun& run : arm.table.runs)
    if (run.config_id == arm.table.run.config_id) arm.environment = run.environment_id;
  arm.environment_json = environment_json(*arm.store, arm.environment);
  return arm;
}

StoreOf store_of(std::span<const Arm> arms) {
  return [arms](const StoredCell& cell) -> Store& { return *arms[cell.arm].store; };
}

StoreOf store_of(Store& store) {
  return [&store](const StoredCell&) -> Store& { return store; };
}

Arm arm_of(Store& store, StoredTable table) {
  Arm arm;
  arm.store = std::shared_ptr<Store>(std::shared_ptr<void>(), &store);  // which the caller owns
  arm.table = std::move(table);
  return arm;
}

StoredTable side_by_side(std::span<Arm> arms) {
  StoredTable table = arms.front().table;
  if (arms.size() == 1) return table;
  std::set<std::string> stems;
  for (const Arm& arm : arms) stems.insert(arm.path.stem().string());
  table.cells.clear();
  for (std::size_t i = 0; i < arms.size(); ++i) {
    Arm& arm = arms[i];
    arm.name = stems.size() == arms.size() ? arm.path.stem().string() : arm.text;
    for (StoredCell cell : arm.table.cells) {
      cell.arm = i;
      cell.arm_name = arm.name;
      table.cells.push_back(std::move(cell));
    }
    if (i == 0) continue;
    table.checkpoints.insert(table.checkpoints.end(), arm.table.checkpoints.begin(), arm.table.checkpoints.end());
    table.floors.insert(table.floors.end(), arm.table.floors.begin(), arm.table.floors.end());
  }
  return table;
}

std::string title_of(std::span<const Arm> arms) {
  std::string title;
  for (const Arm& arm : arms) {
    const StoredRun& run = arm.table.run;
    title += (title.empty() ? "" : "; ") + (arm.name.empty() || arm.name == run.experiment ? "" : arm.name + ": ");
    title += fmt::format("{}: run {}, {}", run.experiment, run.id, end_text(run));
  }
  return title;
}

std::vector<TrainingRecord> trainings_of(std::span<const Arm> arms) {
  std::vector<TrainingRecord> all;
  for (const Arm& arm : arms)
    for (TrainingRecord& record : read_trainings(*arm.store)) all.push_back(std::move(record));
  return all;
}

std::string checkpoints_text(const Arm& arm) {
  std::vector<std::string> texts;
  std::set<std::string> seen;
  for (const StoredCell& cell : arm.table.cells) {
    const CellKey& key = cell.key;
    if (seen.insert(key.checkpoint_name + "\n" + key.checkpoint_sha256).second)
      texts.push_back(key.checkpoint_name + " (" + key.checkpoint_sha256.substr(0, 12) + ")");
  }
  constexpr std::size_t kMost = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(texts.size(), kMost); ++i) text += (i ? ", " : "") + texts[i];
  return texts.size() <= kMost ? text : fmt::format("{} and {} others", text, texts.size() - kMost);
}

}  // namespace fewstep
