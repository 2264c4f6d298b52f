#include "store/migrations.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace fewstep {
namespace {

constexpr std::array<Migration, kSchemaVersion> kList{{
    {1, R"sql(
PRAGMA application_id = 1719104372;  -- "fwst"

CREATE TABLE schema_version (version INTEGER NOT NULL, written_by TEXT NOT NULL) STRICT;

CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,  -- over weights and configuration files
  name TEXT NOT NULL,           -- where and under which name it was seen last
  path TEXT NOT NULL,
  kind TEXT NOT NULL
) STRICT;

CREATE TABLE environment (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;
CREATE TABLE config (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT;

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE,  -- SHA-256 of the canonical JSON of all that decides an image
  checkpoint_id INTEGER NOT NULL REFERENCES checkpoint(id),
  sampler TEXT NOT NULL,
  spacing TEXT NOT NULL,
  final_sigma TEXT NOT NULL,
  steps INTEGER NOT NULL,
  original_inference_steps INTEGER NOT NULL,
  omega REAL NOT NULL,
  negative_prompt TEXT NOT NULL,
  seed INTEGER NOT NULL,  -- unsigned 64 bits, kept as the signed number of the same bits
  prompt_source TEXT NOT NULL,
  height INTEGER NOT NULL,
  width INTEGER NOT NULL,
  dtype TEXT NOT NULL,
  device_kind TEXT NOT NULL
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  config_id INTEGER NOT NULL REFERENCES config(id),
  environment_id INTEGER NOT NULL REFERENCES environment(id),
  experiment TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'failed', 'interrupted', 'incomplete')),
  version TEXT NOT NULL,  -- of fewstep
  started TEXT NOT NULL,  -- ISO 8601, UTC
  ended TEXT
) STRICT;

CREATE TABLE run_cell (
  run_id INTEGER NOT NULL REFERENCES run(id),
  position INTEGER NOT NULL,
  series_id INTEGER NOT NULL REFERENCES series(id),
  checkpoint_name TEXT NOT NULL,  -- as this experiment names it
  given_as_guidance_scale INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'complete', 'incomplete', 'failed')),
  expected_images INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  row INTEGER NOT NULL,  -- in the source file, from 0
  text TEXT NOT NULL,
  UNIQUE (source, row)
) STRICT;

CREATE TABLE sample (
  id INTEGER PRIMARY KEY,
  series_id INTEGER NOT NULL REFERENCES series(id),
  prompt_id INTEGER NOT NULL REFERENCES prompt(id),
  image_index INTEGER NOT NULL,
  seed INTEGER NOT NULL,      -- of the image's own stream
  run_id INTEGER NOT NULL REFERENCES run(id),
  forwards INTEGER NOT NULL,  -- measured
  image_sha256 TEXT NOT NULL,
  image_path TEXT NOT NULL,   -- below the store's folder; empty: not kept
  UNIQUE (series_id, prompt_id, image_index, seed)
) STRICT;
-- Images done and forwards per image of a million samples are read from this index alone.
CREATE INDEX sample_forwards ON sample (series_id, forwards);

CREATE TABLE metric (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  protocol TEXT NOT NULL,
  model_hash TEXT NOT NULL,
  version INTEGER NOT NULL,
  higher_is_better INTEGER NOT NULL,
  UNIQUE (name, protocol, model_hash, version)
) STRICT;

CREATE TABLE sample_metric (
  sample_id INTEGER NOT NULL REFERENCES sample(id),
  metric_id INTEGER NOT NULL REFERENCES metric(id),
  value REAL NOT NULL,
  PRIMARY KEY (sample_id, metric_id)
) STRICT, WITHOUT ROWID;

-- A file NAME.features/<hash>.safetensors with the tensor "features", float32 [rows, width].
CREATE TABLE feature_block (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  rows INTEGER NOT NULL,
  width INTEGER NOT NULL
) STRICT;

CREATE TABLE sample_feature (
  sample_id INTEGER NOT NULL REFERENCES sample(id),
  metric_id INTEGER NOT NULL REFERENCES metric(id),
  block_id INTEGER NOT NULL REFERENCES feature_block(id),
  row INTEGER NOT NULL,  -- in the block
  PRIMARY KEY (sample_id, metric_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE timing_sample (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  series_id INTEGER NOT NULL REFERENCES series(id),
  process TEXT NOT NULL,
  batch INTEGER NOT NULL,
  stage TEXT NOT NULL,
  repetition INTEGER NOT NULL,
  ms REAL NOT NULL,  -- of the whole batch
  UNIQUE (series_id, run_id, process, batch, stage, repetition)
) STRICT;

CREATE TABLE score (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  series_id INTEGER NOT NULL REFERENCES series(id),
  metric_id INTEGER NOT NULL REFERENCES metric(id),
  reference_hash TEXT NOT NULL,  -- empty where the metric needs none
  value REAL,                    -- NULL: not a number
  standard_error REAL,           -- NULL: none can be given
  images INTEGER NOT NULL,
  flags TEXT NOT NULL,           -- JSON array of words
  UNIQUE (series_id, run_id, metric_id, reference_hash)
) STRICT;

-- Verdicts of `fewstep compare`.
CREATE TABLE comparison (
  id INTEGER PRIMARY KEY,
  baseline_run INTEGER NOT NULL REFERENCES run(id),
  candidate_run INTEGER NOT NULL REFERENCES run(id),
  created TEXT NOT NULL,
  gate TEXT NOT NULL,    -- JSON
  result TEXT NOT NULL   -- JSON
) STRICT;
)sql"},
    {2, R"sql(
-- What fewstep distill says of a checkpoint in its fewstep.json.
CREATE TABLE training (
  checkpoint_id INTEGER PRIMARY KEY REFERENCES checkpoint(id),
  recipe TEXT NOT NULL,    -- JSON
  parents TEXT NOT NULL,   -- JSON: name and SHA-256 each
  phase TEXT NOT NULL,     -- the last one
  step INTEGER NOT NULL    -- steps done in it
) STRICT;

CREATE TABLE training_loss (
  checkpoint_id INTEGER NOT NULL REFERENCES training(checkpoint_id),
  position INTEGER NOT NULL,
  phase TEXT NOT NULL,
  step INTEGER NOT NULL,           -- of the phase
  loss REAL NOT NULL,              -- mean since the point before
  gradient_norm REAL NOT NULL,     -- before clipping, likewise
  learning_rate REAL NOT NULL,
  PRIMARY KEY (checkpoint_id, position)
) STRICT, WITHOUT ROWID;
)sql"},
    {3, R"sql(
-- Mean levels of 8 x 8 parts of the image in RGB, by rows: 192 bytes. NULL: of an older version.
ALTER TABLE sample ADD COLUMN fingerprint BLOB;

-- 1: measured on the image as it was made again, which is close to the stored one and not equal to the bit.
ALTER TABLE sample_metric ADD COLUMN recomputed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sample_feature ADD COLUMN recomputed INTEGER NOT NULL DEFAULT 0;

ALTER TABLE run ADD COLUMN last_write TEXT;  -- ISO 8601, UTC: when it last stored images or timings
ALTER TABLE timing_sample ADD COLUMN round INTEGER NOT NULL DEFAULT 0;

-- What a run was made from and under which conditions, for people: command, files by name, load of the machine.
CREATE TABLE run_fact (
  run_id INTEGER NOT NULL REFERENCES run(id),
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

-- The distance of held-out reference images to the other ones, as many as a cell has: what no model can be expected
-- to fall below at this number of images.
CREATE TABLE floor_score (
  run_id INTEGER NOT NULL REFERENCES run(id),
  metric_id INTEGER NOT NULL REFERENCES metric(id),
  reference_hash TEXT NOT NULL,
  value REAL,
  standard_error REAL,
  images INTEGER NOT NULL,
  flags TEXT NOT NULL,
  PRIMARY KEY (run_id, metric_id, reference_hash)
) STRICT, WITHOUT ROWID;
)sql"},
    {4, R"sql(
ALTER TABLE sample ADD COLUMN latents INTEGER;  -- first 64 bits of the SHA-256 of its initial latents; NULL: unknown
ALTER TABLE sample ADD COLUMN tripped INTEGER;  -- bits of core/tripwires.h; NULL: nobody looked
CREATE INDEX sample_tripped ON sample (series_id) WHERE tripped <> 0;

-- Of a cell that is whole, over its images in the order of (prompt row, image index): see store/cell_digest.h.
ALTER TABLE run_cell ADD COLUMN prompts_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE run_cell ADD COLUMN images_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE run_cell ADD COLUMN latents_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE run_cell ADD COLUMN tripped TEXT NOT NULL DEFAULT '';  -- JSON: images by tripwire; empty: nobody looked

-- What each independent unit adds to the score: float64, little-endian (store/influence.h).
ALTER TABLE score ADD COLUMN influence_of_groups INTEGER NOT NULL DEFAULT 0;
ALTER TABLE score ADD COLUMN influence BLOB;

DROP TABLE comparison;  -- was never filled: a verdict is made anew from what it compares
)sql"},
    {5, R"sql(
-- Images that went through the networks together where the device had no memory for the whole batch; else NULL.
ALTER TABLE sample ADD COLUMN together INTEGER;
)sql"},
    {6, R"sql(
-- What ties NAME-wal to this file: see store/log.h. One row.
CREATE TABLE log_binding (
  tag TEXT NOT NULL,           -- fewstep-log-ID-NUMBER: a random id, and how many logs there were
  awaits_log INTEGER NOT NULL  -- 1: as this file is by itself, what was stored last is in the log
) STRICT;
INSERT INTO log_binding VALUES ('fewstep-log-' || lower(hex(randomblob(16))) || '-0000000000', 0);
)sql"},
    {7, R"sql(
-- Axes of cells that came after this table and are off their default: JSON by name; empty: none.
ALTER TABLE series ADD COLUMN settings TEXT NOT NULL DEFAULT '';
)sql"},
}};
static_assert(kList.back().version == kSchemaVersion);

}  // namespace

const std::span<const Migration> kMigrations = kList;

void migrate(SQLite::Database& database, std::span<const Migration> migrations) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  const int version = empty ? 0 : database.execAndGet("SELECT version FROM schema_version").getInt();
  for (const Migration& migration : migrations)
    if (migration.version > version) database.exec(migration.sql);
  const int newest = migrations.back().version;
  if (empty)
    database.exec(fmt::format("INSERT INTO schema_version VALUES ({}{}", newest, ", '" FEWSTEP_VERSION "')"));
  else if (version < newest)
    database.exec(fmt::format("UPDATE schema_version SET version = {}", newest));
  transaction.commit();
}

}  // namespace fewstep
