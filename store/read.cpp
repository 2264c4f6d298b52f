#include "store/read.h"

#include "store/database.h"
#include "store/series.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fewstep {
namespace {

std::string optional_text_at(const std::filesystem::path& path, SQLite::Statement& row, const char* column) {
  return row.isColumnNull(column) ? "" : text_at(path, row, column);
}

StoredRun run_at(const std::filesystem::path& path, SQLite::Statement& row) {
  StoredRun run;
  run.id = integer_at(path, row, "id");
  run.config_id = integer_at(path, row, "config_id");
  run.environment_id = integer_at(path, row, "environment_id");
  run.experiment = text_at(path, row, "experiment");
  run.state = text_at(path, row, "state");
  run.version = text_at(path, row, "version");
  run.started = text_at(path, row, "started");
  run.ended = optional_text_at(path, row, "ended");
  run.last_write = optional_text_at(path, row, "last_write");
  run.cells = integer_at(path, row, "cells");
  run.added = integer_at(path, row, "added") != 0;
  return run;
}

std::string json_of(Store::Impl& store, const std::string& table, std::int64_t id) {
  SQLite::Statement select(store.database, "SELECT json FROM " + table + " WHERE id = ?");
  bind_all(select, id);
  if (!select.executeStep()) throw input_error(store.path.string(), "expected the run's " + table + ", found none");
  return text_at(store.path, select, 0);
}

// {"noise": 3}; nothing of an empty text.
std::optional<std::map<std::string, std::int64_t>> tripped_at(const std::filesystem::path& path,
                                                              const std::string& text) {
  if (text.empty()) return {};
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::map<std::string, std::int64_t> tripped;
  bool sane = json.is_object();
  for (auto item = json.begin(); sane && item != json.end(); ++item) {
    sane = item->is_number_unsigned();
    if (sane) tripped[item.key()] = item->get<std::int64_t>();
  }
  if (!sane) throw input_error(path.string(), "expected counts of images by tripwire, got another text; it is damaged");
  return tripped;
}

StoredCell cell_at(const std::filesystem::path& path, SQLite::Statement& row) {
  StoredCell cell;
  cell.key = series_at(path, row);
  cell.key.checkpoint_name = text_at(path, row, "checkpoint_name");
  cell.key.given_as_guidance_scale = integer_at(path, row, "given_as_guidance_scale") != 0;
  cell.run_id = integer_at(path, row, "run_id");
  cell.position = small_integer_at(path, row, "position");
  cell.series_id = integer_at(path, row, "series_id");
  const auto state = parse_cell_state(text_at(path, row, "state"));
  if (!state) throw input_error(path.string(), "expected a known state of a cell, got another; the store is damaged");
  cell.state = *state;
  cell.expected_images = integer_at(path, row, "expected_images");
  cell.message = text_at(path, row, "message");
  cell.digest = {text_at(path, row, "prompts_sha256"), text_at(path, row, "images_sha256"),
                 text_at(path, row, "latents_sha256"), tripped_at(path, text_at(path, row, "tripped"))};
  return cell;
}

// Cells of all runs of one configuration up to run_id, the newest run first.
std::vector<StoredCell> select_cells(Store::Impl& store, const StoredRun& run) {
  SQLite::Statement select(
      store.database,
      "SELECT c.run_id, c.position, c.series_id, c.checkpoint_name, c.given_as_guidance_scale, c.state, "
      "c.expected_images, c.message, " +
          series_columns(store.version) +
          (store.version < 4 ? ", '' AS prompts_sha256, '' AS images_sha256, '' AS latents_sha256, '' AS tripped"
                             : ", c.prompts_sha256, c.images_sha256, c.latents_sha256, c.tripped") +
          " FROM run_cell c JOIN run r ON r.id = c.run_id JOIN series s ON s.id = c.series_id "
          "JOIN checkpoint k ON k.id = s.checkpoint_id WHERE r.config_id = ? AND r.id <= ? "
          "ORDER BY c.run_id DESC, c.position");
  bind_all(select, run.config_id, run.id);
  std::vector<StoredCell> cells;
  while (select.executeStep()) cells.push_back(cell_at(store.path, select));
  return cells;
}

// What an experiment calls a cell; its checkpoint's hash is not part of that.
CellKey name_of_cell(const StoredCell& cell) { return part_of(cell.key, kNamed); }

// One of each cell: from the newest run, and where that only planned it, or added nothing, the newest state of the
// same series; a checkpoint whose contents changed never answers with its predecessor's numbers. In the order of the
// longest run.
std::vector<StoredCell> merge_runs(const std::vector<StoredCell>& newest_first, const std::set<std::int64_t>& empty) {
  std::map<std::int64_t, std::int64_t> length;
  std::map<CellKey, StoredCell> chosen;
  for (const StoredCell& cell : newest_first) {
    ++length[cell.run_id];
    const auto [place, added] = chosen.emplace(name_of_cell(cell), cell);
    StoredCell& kept = place->second;
    const bool says_nothing = kept.state == CellState::kPlanned || empty.contains(kept.run_id);
    if (!added && says_nothing && kept.series_id == cell.series_id) kept = cell;
  }
  auto order = newest_first;
  std::stable_sort(order.begin(), order.end(),
                   [&](const StoredCell& a, const StoredCell& b) { return length.at(a.run_id) > length.at(b.run_id); });
  std::vector<StoredCell> merged;
  for (const StoredCell& cell : order) {
    const auto place = chosen.find(name_of_cell(cell));
    if (place == chosen.end()) continue;
    merged.push_back(place->second);
    chosen.erase(place);
  }
  return merged;
}

void read_images(Store::Impl& store, StoredCell& cell) {
  SQLite::Statement select(
      store.database, "SELECT count(*), avg(forwards), min(forwards), max(forwards) FROM sample WHERE series_id = ?");
  bind_all(select, cell.series_id);
  if (!select.executeStep()) return;
  const std::int64_t count = integer_at(store.path, select, 0);
  cell.stored_images = std::min(count, cell.expected_images);
  if (count > 0 && integer_at(store.path, select, 3) > 0) {  // images made elsewhere have none
    cell.forwards =
        Forwards{real_at(store.path, select, 1), integer_at(store.path, select, 2), integer_at(store.path, select, 3)};
  }
}

// What stored_score_at reads, from a table of scores and metric m.
std::string score_columns(const char* table) {
  return fmt::format(
      "m.name, m.protocol, m.model_hash, m.version, m.higher_is_better, {0}.reference_hash, {0}.value, "
      "{0}.standard_error, {0}.images, {0}.flags",
      table);
}

StoredScore stored_score_at(const std::filesystem::path& path, SQLite::Statement& row) {
  StoredScore stored;
  stored.metric = {text_at(path, row, "name"), text_at(path, row, "protocol"), text_at(path, row, "model_hash"),
                   small_integer_at(path, row, "version"), integer_at(path, row, "higher_is_better") != 0};
  stored.reference_hash = text_at(path, row, "reference_hash");
  stored.score = score_at(path, row);
  return stored;
}

void read_scores(Store::Impl& store, const StoredRun& run, StoredCell& cell) {
  SQLite::Statement select(store.database,
                           "SELECT " + score_columns("s") +
                               ", s.id FROM score s "
                               "JOIN metric m ON m.id = s.metric_id JOIN run r ON r.id = s.run_id "
                               "WHERE s.series_id = ? AND r.config_id = ? AND r.id <= ? ORDER BY s.run_id DESC, s.id");
  bind_all(select, cell.series_id, run.config_id, run.id);
  std::set<std::pair<std::string, std::string>> seen;
  while (select.executeStep()) {
    StoredScore stored = stored_score_at(store.path, select);
    stored.id = integer_at(store.path, select, "id");
    if (seen.emplace(stored.metric.name, stored.metric.protocol).second) cell.scores.push_back(std::move(stored));
  }
}

std::vector<StoredCheckpoint> read_checkpoints(Store::Impl& store, const std::vector<StoredCell>& cells) {
  SQLite::Statement select(store.database, "SELECT sha256, path, kind FROM checkpoint WHERE sha256 = ?");
  std::vector<StoredCheckpoint> checkpoints;
  std::set<std::pair<std::string, std::string>> seen;
  for (const StoredCell& cell : cells) {
    if (!seen.emplace(cell.key.checkpoint_sha256, cell.key.checkpoint_name).second) continue;
    bind_all(select, cell.key.checkpoint_sha256);
    if (!select.executeStep()) continue;
    checkpoints.push_back({text_at(store.path, select, 0), cell.key.checkpoint_name, text_at(store.path, select, 1),
                           text_at(store.path, select, 2)});
  }
  return checkpoints;
}

const StoredRun& choose_run(const std::string& where, const std::vector<StoredRun>& runs,
                            std::optional<std::int64_t> run_id) {
  if (runs.empty()) throw input_error(where, "expected a store with a run, got one without; `fewstep run` fills it");
  if (!run_id) {
    const auto newest = std::find_if(runs.rbegin(), runs.rend(), [](const StoredRun& run) { return run.added; });
    const bool has_complete = std::any_of(runs.begin(), runs.end(), [](auto& run) { return run.state == "complete"; });
    return newest != runs.rend() && has_complete ? *newest : runs.back();
  }
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const StoredRun& run) { return run.id == *run_id; });
  if (found == runs.end())
    throw input_error(where, fmt::format("expected a run from 1 to {}, got {}", runs.back().id, *run_id));
  return *found;
}

// Cells of runs that were killed, and cells of another number of images than the run asks for.
void tell_true_states(StoredTable& table, std::int64_t asked) {
  for (StoredCell& cell : table.cells) {
    const auto run =
        std::find_if(table.runs.begin(), table.runs.end(), [&](const StoredRun& one) { return one.id == cell.run_id; });
    const bool over = run != table.runs.end() && run->state != "running";
    if (over && cell.state == CellState::kRunning) {
      cell.state = CellState::kIncomplete;
      cell.message.clear();
    }
    if (over && run->state == kEndedWithoutAWord && cell.state == CellState::kIncomplete && cell.message.empty())
      cell.message = "the run " + end_text(*run);
    const bool has_numbers = cell.state == CellState::kComplete || cell.state == CellState::kIncomplete;
    if (asked > 0 && has_numbers && cell.expected_images != asked) {
      cell.state = CellState::kStale;
      cell.message = fmt::format("of {} images in run {}, where run {} asks for {}", cell.expected_images, cell.run_id,
                                 table.run.id, asked);
      cell.expected_images = asked;
    }
  }
}

// A run's configuration says it at the top, that of images made elsewhere beside their captions.
int images_per_prompt_of(const std::string& config) {
  constexpr const char* kName = "images_per_prompt";
  const auto json = nlohmann::json::parse(config, nullptr, false);
  if (!json.is_object()) return 1;
  const bool beside = !json.contains(kName) && json.contains("prompts") && json["prompts"].is_object();
  const auto& object = beside ? json["prompts"] : json;
  const auto found = object.find(kName);
  const bool sane = found != object.end() && found->is_number_integer() && *found >= 1 && *found <= 1'000'000;
  return sane ? found->get<int>() : 1;
}

std::vector<StoredScore> read_floors(Store::Impl& store, std::int64_t run_id) {
  SQLite::Statement select(
      store.database,
      "SELECT " + score_columns("f") + " FROM floor_score f JOIN metric m ON m.id = f.metric_id WHERE f.run_id = ?");
  bind_all(select, run_id);
  std::vector<StoredScore> floors;
  while (select.executeStep()) floors.push_back(stored_score_at(store.path, select));
  return floors;
}

}  // namespace

std::string end_text(const StoredRun& run) {
  if (run.state != kEndedWithoutAWord) return run.state;
  const bool wrote = !run.last_write.empty();
  return run.state + (wrote ? " at " + run.last_write : " after " + run.started);
}

std::map<std::string, std::string> read_facts(Store& store, std::int64_t run_id) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    std::map<std::string, std::string> facts;
    if (impl.version < 3) return facts;
    SQLite::Statement select(impl.database, "SELECT name, text FROM run_fact WHERE run_id = ?");
    bind_all(select, run_id);
    while (select.executeStep()) facts[text_at(impl.path, select, 0)] = text_at(impl.path, select, 1);
    return facts;
  });
}

std::vector<StoredRun> read_runs(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(
        impl.database,
        "SELECT id, config_id, environment_id, experiment, state, version, started, ended, "
        "(SELECT count(*) FROM run_cell WHERE run_id = run.id) AS cells, " +
            std::string(impl.version < 3 ? "NULL AS last_write, 1 AS added"
                                         : "last_write, last_write IS NOT NULL OR EXISTS "
                                           "(SELECT 1 FROM score WHERE run_id = run.id) AS added") +
            " FROM run ORDER BY id");
    std::vector<StoredRun> runs;
    while (select.executeStep()) runs.push_back(run_at(impl.path, select));
    // A run that the lock's holder has not begun is over, whatever it says; later writers call it interrupted.
    const bool alive = has_writer(impl);
    for (StoredRun& run : runs) {
      const bool running = run.state == "running" && alive && &run == &runs.back();
      if (run.ended.empty() && !running) run.state = kEndedWithoutAWord;
      run.added |= running || run.state == "complete";
    }
    return runs;
  });
}

std::optional<std::int64_t> newest_run_of(Store& store, const std::string& checkpoint_name) {
  auto& impl = store.impl();
  return guarded(impl.path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(impl.database, "SELECT run_id FROM run_cell WHERE checkpoint_name = ?");
    bind_all(select, checkpoint_name);
    std::vector<StoredRun> runs = read_runs(store);
    std::set<std::int64_t> with_it;
    while (select.executeStep()) with_it.insert(integer_at(impl.path, select, 0));
    std::erase_if(runs, [&](const StoredRun& run) { return !with_it.contains(run.id); });
    if (runs.empty()) return std::nullopt;
    return choose_run(impl.path.string(), runs, {}).id;
  });
}

std::string environment_json(Store& store, std::int64_t environment_id) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] { return json_of(impl, "environment", environment_id); });
}

std::vector<std::string> checkpoint_names(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database, "SELECT DISTINCT checkpoint_name FROM run_cell ORDER BY 1");
    std::vector<std::string> names;
    while (select.executeStep()) names.push_back(text_at(impl.path, select, 0));
    return names;
  });
}

StoredTable read_table(Store& store, std::optional<std::int64_t> run_id) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    StoredTable table;
    table.runs = read_runs(store);
    table.run = choose_run(impl.path.string(), table.runs, run_id);
    table.config_json = json_of(impl, "config", table.run.config_id);
    table.environment_json = json_of(impl, "environment", table.run.environment_id);
    const auto of_all_runs = select_cells(impl, table.run);
    std::int64_t asked = 0;  // images a cell, by the run that is shown
    for (const StoredCell& cell : of_all_runs)
      if (cell.run_id == table.run.id) asked = std::max(asked, cell.expected_images);
    std::set<std::int64_t> empty;
    for (const StoredRun& run : table.runs)
      if (!run.added && run.id != table.run.id) empty.insert(run.id);
    table.cells = merge_runs(of_all_runs, empty);
    const int images_per_prompt = images_per_prompt_of(table.config_json);
    tell_true_states(table, asked);
    for (StoredCell& cell : table.cells) {
      cell.images_per_prompt = images_per_prompt;
      read_images(impl, cell);
      read_scores(impl, table.run, cell);
      cell.timings = read_timings(store, cell.series_id, table.run.environment_id);
    }
    table.checkpoints = read_checkpoints(impl, table.cells);
    table.facts = read_facts(store, table.run.id);
    if (impl.version >= 3) table.floors = read_floors(impl, table.run.id);
    return table;
  });
}

std::map<std::string, std::int64_t> count_rows(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    // A stranger's file may hold tables of any name; ours are words.
    SQLite::Statement tables(impl.database,
                             "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '*[^a-z_]*' AND "
                             "name NOT GLOB 'sqlite_*' AND name NOT IN ('schema_version', 'log_binding')");
    std::map<std::string, std::int64_t> counts;
    while (tables.executeStep()) {
      const std::string table = text_at(impl.path, tables, 0);
      SQLite::Statement select(impl.database, "SELECT count(*) FROM \"" + table + "\"");
      if (select.executeStep()) counts[table] = integer_at(impl.path, select, 0);
    }
    return counts;
  });
}

int schema_version(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database, "SELECT version FROM schema_version");
    return select.executeStep() ? small_integer_at(impl.path, select, 0) : 0;
  });
}

std::int64_t check_features(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT hash, rows, width FROM feature_block WHERE id IN (SELECT block_id FROM "
                             "sample_feature)");
    std::int64_t count = 0;
    for (; select.executeStep(); ++count)
      read_features(impl.path, text_at(impl.path, select, 0), integer_at(impl.path, select, 1),
                    integer_at(impl.path, select, 2), true);
    return count;
  });
}

std::filesystem::path path_of(const Store& store) { return store.impl().path; }

std::filesystem::path folder_of(const Store& store) { return store.impl().path.parent_path(); }

std::filesystem::path stored_image(const Store& store, const std::string& image_path) {
  const std::filesystem::path relative = image_path;
  if (relative.empty() || relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end())
    throw input_error(store.impl().path.string(), "expected an image path below the store's folder, got another");
  return folder_of(store) / relative;
}

}  // namespace fewstep
