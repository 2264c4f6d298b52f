#include "store/merge.h"

#include "core/files.h"
#include "store/database.h"
#include "store/read.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

namespace fewstep {
namespace {

using Path = std::filesystem::path;
using nlohmann::json;

// What decides an image's bits beside its settings.
constexpr std::array<const char*, 6> kProvenance{"fewstep", "commit", "libtorch", "device", "cpu", "threads"};

json parsed(const Path& path, const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object())
    throw input_error(path.string(), "expected JSON in the store, got another text; it is damaged");
  return value;
}

// The environments that made the samples of a store.
std::vector<json> environments_of(Store& store) {
  SQLite::Statement select(store.impl().database,
                           "SELECT DISTINCT json FROM environment JOIN run ON environment_id = environment.id "
                           "WHERE run.id IN (SELECT DISTINCT run_id FROM sample)");
  std::vector<json> all;
  while (select.executeStep()) all.push_back(parsed(store.impl().path, text_at(store.impl().path, select, 0)));
  return all;
}

void check_environments(Store& store, Store& source) {
  for (const json& ours : environments_of(store)) {
    for (const json& theirs : environments_of(source)) {
      for (const char* key : kProvenance) {
        const json a = ours.value(key, json()), b = theirs.value(key, json());
        if (a == b) continue;
        throw input_error(source.impl().path.string(),
                          std::string("expected images of ") + key + " " + a.dump() + " as in " +
                              store.impl().path.string() + ", got of " + b.dump() +
                              "; they equal each other within rounding only: --mixed takes them");
      }
    }
  }
}

// The settings of the newest run; nothing in a store without one.
std::optional<json> settings_of(Store& store) {
  SQLite::Statement select(store.impl().database,
                           "SELECT json FROM config JOIN run ON config_id = config.id ORDER BY run.id DESC LIMIT 1");
  if (!select.executeStep()) return std::nullopt;
  return parsed(store.impl().path, text_at(store.impl().path, select, 0));
}

void check_settings(Store& store, Store& source) {
  const auto ours = settings_of(store), theirs = settings_of(source);
  if (!theirs) throw input_error(source.impl().path.string(), "expected a store with a run, got one without");
  if (!ours || *ours == *theirs) return;
  std::set<std::string> keys;
  for (const json& change : json::diff(*ours, *theirs)) keys.insert(change.at("path").get<std::string>());
  std::string names;
  for (const std::string& key : keys) names += (names.empty() ? "" : ", ") + key;
  throw input_error(source.impl().path.string(),
                    "expected the settings of " + store.impl().path.string() + ", got others: " + names.substr(0, 200));
}

// Samples of both stores by what they are of.
constexpr const char* kSamePlace =
    " FROM other.sample b JOIN other.series bs ON bs.id = b.series_id JOIN other.prompt bp ON bp.id = b.prompt_id "
    "JOIN main.series s ON s.identity = bs.identity "
    "JOIN main.prompt p ON p.source = bp.source AND p.row = bp.row "
    "JOIN main.sample a ON a.series_id = s.id AND a.prompt_id = p.id AND a.image_index = b.image_index ";

void check_images(Store::Impl& store, const Path& source) {
  SQLite::Statement text(store.database,
                         "SELECT bp.row FROM other.prompt bp JOIN main.prompt p ON p.source = bp.source AND "
                         "p.row = bp.row WHERE p.text <> bp.text LIMIT 1");
  if (text.executeStep())
    throw input_error(source.string(), fmt::format("expected the captions of {}, got another for row {}",
                                                   store.path.string(), integer_at(source, text, 0)));
  SQLite::Statement image(store.database, std::string("SELECT bp.row, b.image_index, a.image_sha256, b.image_sha256") +
                                              kSamePlace +
                                              "WHERE a.image_sha256 <> b.image_sha256 OR a.seed <> b.seed LIMIT 1");
  if (image.executeStep())
    throw input_error(
        source.string(),
        fmt::format("expected the image {}… of {} for prompt row {} image {}, got {}…; nothing was merged",
                    text_at(source, image, 2).substr(0, 12), store.path.string(), integer_at(source, image, 0),
                    integer_at(source, image, 1), text_at(source, image, 3).substr(0, 12)));
}

// Files go first: a row that is stored has its file. A name is the hash of what is in it.
void copy_features(Store& store, Store& source) {
  SQLite::Statement select(
      source.impl().database,
      "SELECT hash, rows, width FROM feature_block WHERE id IN (SELECT block_id FROM sample_feature)");
  const Path& from = source.impl().path;
  while (select.executeStep()) {
    const std::string hash = text_at(from, select, 0);
    const std::int64_t rows = integer_at(from, select, 1), width = integer_at(from, select, 2);
    write_features(store.impl().path, read_features(from, hash, rows, width, /*check_hash=*/true), width);
  }
}

// Kept images by their path in the source → in the store.
std::map<std::string, std::string> copy_images(Store& store, Store& source) {
  std::map<std::string, std::string> paths;
  SQLite::Statement select(source.impl().database, "SELECT DISTINCT image_path FROM sample WHERE image_path <> ''");
  const Path folder = Path(store.impl().path).replace_extension(".images");
  while (select.executeStep()) {
    const std::string path = text_at(source.impl().path, select, 0);
    const Path from = stored_image(source, path), to = folder / Path(path).filename();
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(from, ignored)) continue;  // removed: the sample counts without it
    make_folders(folder);
    if (!std::filesystem::exists(to)) write_file_atomically(to, read_file(from));
    paths[path] = (folder.filename() / to.filename()).string();
  }
  return paths;
}

// Rows that stand for themselves, and are known by a hash or a name.
constexpr const char* kCopyNamed = R"sql(
INSERT OR IGNORE INTO main.environment (hash, json) SELECT hash, json FROM other.environment;
INSERT OR IGNORE INTO main.config (hash, json) SELECT hash, json FROM other.config;
INSERT OR IGNORE INTO main.checkpoint (sha256, name, path, kind) SELECT sha256, name, path, kind FROM other.checkpoint;
INSERT OR IGNORE INTO main.metric (name, protocol, model_hash, version, higher_is_better)
  SELECT name, protocol, model_hash, version, higher_is_better FROM other.metric;
INSERT OR IGNORE INTO main.prompt (source, row, text) SELECT source, row, text FROM other.prompt;
INSERT OR IGNORE INTO main.feature_block (hash, rows, width) SELECT hash, rows, width FROM other.feature_block;
INSERT OR IGNORE INTO main.series (identity, checkpoint_id, sampler, spacing, final_sigma, steps,
    original_inference_steps, omega, negative_prompt, seed, prompt_source, height, width, dtype, device_kind, settings)
  SELECT s.identity, ours.id, s.sampler, s.spacing, s.final_sigma, s.steps, s.original_inference_steps, s.omega,
    s.negative_prompt, s.seed, s.prompt_source, s.height, s.width, s.dtype, s.device_kind, s.settings
  FROM other.series s JOIN other.checkpoint theirs ON theirs.id = s.checkpoint_id
  JOIN main.checkpoint ours ON ours.sha256 = theirs.sha256;

-- A run is known by when it began and what it was of.
INSERT INTO main.run (config_id, environment_id, experiment, state, version, started, ended, last_write)
  SELECT c.id, e.id, r.experiment, CASE r.state WHEN 'running' THEN 'interrupted' ELSE r.state END, r.version,
    r.started, r.ended, r.last_write
  FROM other.run r JOIN other.config oc ON oc.id = r.config_id JOIN main.config c ON c.hash = oc.hash
  JOIN other.environment oe ON oe.id = r.environment_id JOIN main.environment e ON e.hash = oe.hash
  WHERE NOT EXISTS (SELECT 1 FROM main.run m WHERE m.config_id = c.id AND m.environment_id = e.id
    AND m.experiment = r.experiment AND m.started = r.started) ORDER BY r.id;
CREATE TEMP TABLE same_run AS SELECT r.id AS theirs, max(m.id) AS ours
  FROM other.run r JOIN other.config oc ON oc.id = r.config_id JOIN main.config c ON c.hash = oc.hash
  JOIN other.environment oe ON oe.id = r.environment_id JOIN main.environment e ON e.hash = oe.hash
  JOIN main.run m ON m.config_id = c.id AND m.environment_id = e.id AND m.experiment = r.experiment
    AND m.started = r.started GROUP BY r.id;
INSERT OR IGNORE INTO main.run_fact (run_id, name, text)
  SELECT ours, name, text FROM other.run_fact JOIN same_run ON theirs = run_id;
)sql";

constexpr const char* kCopySamples = R"sql(
INSERT OR IGNORE INTO main.sample (series_id, prompt_id, image_index, seed, run_id, forwards, image_sha256, image_path,
    fingerprint, latents, tripped, together)
  SELECT s.id, p.id, b.image_index, b.seed, same_run.ours, b.forwards, b.image_sha256, '', b.fingerprint, b.latents,
    b.tripped, b.together
  FROM other.sample b JOIN other.series bs ON bs.id = b.series_id JOIN main.series s ON s.identity = bs.identity
  JOIN other.prompt bp ON bp.id = b.prompt_id JOIN main.prompt p ON p.source = bp.source AND p.row = bp.row
  JOIN same_run ON same_run.theirs = b.run_id;
)sql";

// Rows of samples, after them.
std::string copy_rows(const char* table, const char* columns, const char* values, const char* more) {
  return std::string("INSERT OR IGNORE INTO main.") + table + " (sample_id, metric_id, " + columns +
         ") SELECT a.id, m.id, " + values + kSamePlace + "JOIN other." + table +
         " v ON v.sample_id = b.id JOIN other.metric bm ON bm.id = v.metric_id "
         "JOIN main.metric m ON m.name = bm.name AND m.protocol = bm.protocol AND m.model_hash = bm.model_hash AND "
         "m.version = bm.version " +
         more;
}

constexpr const char* kCopyTimings = R"sql(
INSERT OR IGNORE INTO main.timing_sample (run_id, series_id, process, batch, stage, repetition, ms, round)
  SELECT same_run.ours, s.id, t.process, t.batch, t.stage, t.repetition, t.ms, t.round
  FROM other.timing_sample t JOIN same_run ON same_run.theirs = t.run_id
  JOIN other.series bs ON bs.id = t.series_id JOIN main.series s ON s.identity = bs.identity;
)sql";

void set_paths(SQLite::Database& database, const std::map<std::string, std::string>& paths) {
  SQLite::Statement update(database,
                           std::string("UPDATE main.sample SET image_path = ? WHERE image_path = '' AND id IN "
                                       "(SELECT a.id") +
                               kSamePlace + "WHERE b.image_path = ?)");
  for (const auto& [theirs, ours] : paths) {
    bind_all(update, ours, theirs);
    update.exec();
  }
}

}  // namespace

MergeCount merge_into(Store& store, const Path& path, const MergeOptions& options) {
  Store::Impl& impl = store.impl();
  Store source = Store::open(path, Store::Mode::kRead);
  if (schema_version(source) != schema_version(store))
    throw input_error(path.string(), fmt::format("expected a store of schema version {}, got {}, of an older fewstep; "
                                                 "run its experiment once more to upgrade it",
                                                 schema_version(store), schema_version(source)));
  const auto paths = guarded(path, [&] {
    check_settings(store, source);
    if (!options.mixed) check_environments(store, source);
    copy_features(store, source);
    return copy_images(store, source);
  });
  SQLite::Database& database = impl.database;
  guarded(path, [&] {
    SQLite::Statement attach(database, "ATTACH DATABASE ? AS other");
    bind_all(attach, source.impl().place.uri);
    attach.exec();
  });
  const struct Attached {
    SQLite::Database& database;
    ~Attached() { database.tryExec("DETACH DATABASE other"); }
  } attached{database};
  // An error here may be one of either file.
  return guarded(path.string() + " into " + impl.path.string(), [&] {
    MergeCount count;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    check_images(impl, path);
    count.present = database.execAndGet(std::string("SELECT count(*)") + kSamePlace).getInt64();
    database.exec(kCopyNamed);
    count.samples = database.exec(kCopySamples);
    count.metric_rows =
        database.exec(copy_rows("sample_metric", "value, recomputed", "v.value, v.recomputed", "")) +
        database.exec(copy_rows("sample_feature", "block_id, row, recomputed", "f.id, v.row, v.recomputed",
                                "JOIN other.feature_block bf ON bf.id = v.block_id "
                                "JOIN main.feature_block f ON f.hash = bf.hash"));
    count.timings = database.exec(kCopyTimings);
    set_paths(database, paths);
    database.exec("DROP TABLE temp.same_run");
    transaction.commit();
    return count;
  });
}

}  // namespace fewstep
