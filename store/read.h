#pragma once
#include "store/store.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// What reports read. All functions throw Error (kInput) for a damaged store; every number given back is finite, texts
// (captions, messages, names) are as they were stored and need escaping where they are shown.

// The state of a run that ended without writing so: the process was killed, or its disk was full.
inline constexpr std::string_view kEndedWithoutAWord = "ended without a word";

struct StoredRun {
  std::int64_t id = 0, config_id = 0, environment_id = 0;
  std::string experiment, state, version;
  std::string started, ended;  // ISO 8601, UTC; ended is empty while it runs or when it was killed
  std::string last_write;      // when it stored something last; empty where it did not, or in older stores
  std::int64_t cells = 0;
  bool added = false;  // it runs, is complete, or stored images, scores or timings
};
std::vector<StoredRun> read_runs(Store& store);  // oldest first
// What a run was made from (Store::set_fact), by name; nothing in stores of older versions.
std::map<std::string, std::string> read_facts(Store& store, std::int64_t run_id);
std::string end_text(const StoredRun& run);  // its state; "ended without a word at 2026-01-02T03:04:05Z"

std::string environment_json(Store& store, std::int64_t environment_id);

// The newest run that has a cell of a checkpoint of that name; one that added nothing never comes before a complete
// one.
std::optional<std::int64_t> newest_run_of(Store& store, const std::string& checkpoint_name);

// As cells of any run name them, each once.
std::vector<std::string> checkpoint_names(Store& store);

struct Quantiles {
  double median = 0, p10 = 0, p90 = 0;  // between order statistics linearly, as numpy's default
  std::int64_t n = 0;
};
Quantiles quantiles_of(std::vector<double> values);  // at least one

// Milliseconds per image at one batch size: a batch's time divided by its images.
struct BatchTiming {
  int batch = 1;
  std::int64_t processes = 0;
  std::map<std::string, Quantiles> stages;  // "text" "denoise" "decode"
  std::optional<Quantiles> total;           // over repetitions that have every stage
  double drift = 0;                         // of the rounds' medians: (largest − smallest) / median
  double other_cores = 0;                   // used by other processes meanwhile, on average
  double throttled = 0;                     // seconds that a CPU quota held threads back meanwhile
  // Whether spread, drift or other processes say that the machine did not hold still.
  bool unstable() const {
    constexpr double kMost = 0.2, kMostCores = 0.1;
    return drift > kMost || other_cores > kMostCores || (total && total->p90 - total->p10 > kMost * total->median);
  }
};

struct StoredScore {
  MetricKey metric;
  std::string reference_hash;
  Score score;
  std::int64_t id = 0;  // of its row
};

// What the images of a whole cell are, so that cells are compared without reading each image (store/cell_digest.h).
// Texts are empty where it is not known: latents of images made elsewhere, all of it in stores of older versions.
struct CellDigest {
  std::string prompts_sha256, images_sha256, latents_sha256;
  std::optional<std::map<std::string, std::int64_t>> tripped;  // images by tripwire; nothing: nobody looked
};

struct Forwards {
  double mean = 0;
  std::int64_t min = 0, max = 0;
};

struct StoredCell {
  std::size_t arm = 0;   // of several runs that a report shows side by side
  std::string arm_name;  // its name there; empty where it is alone
  CellKey key;           // checkpoint_name and given_as_guidance_scale as this run names them
  std::int64_t series_id = 0, run_id = 0;
  int position = 0;
  CellState state = CellState::kPlanned;
  std::string message;
  std::int64_t expected_images = 0;
  int images_per_prompt = 1;
  std::int64_t stored_images = 0;    // of the series, at most expected_images
  std::optional<Forwards> forwards;  // per image, measured; nothing where no image is stored
  std::vector<StoredScore> scores;
  std::vector<BatchTiming> timings;  // by batch size
  CellDigest digest;
};

struct StoredCheckpoint {
  std::string sha256, name, path, kind;
};

// A run, and what earlier runs of the same configuration found for cells that it has not reached (a run with --only,
// or one that was stopped): the newest state of a series that is not "planned" counts, as kStale where that was of
// another number of images than the run asks for. Scores come from these runs, the
// newest first; timings from the newest of all runs in the same environment.
struct StoredTable {
  StoredRun run;
  std::string config_json, environment_json;
  std::vector<StoredCell> cells;  // in the order of the run with most cells
  std::vector<StoredCheckpoint> checkpoints;
  std::map<std::string, std::string> facts;  // of the run, by name (Store::set_fact)
  std::vector<StoredScore> floors;           // of its metrics, where they were asked for
  std::vector<StoredRun> runs;               // all of the store, oldest first
};
// run_id: nothing for the latest; a run that added nothing never comes before a complete one. Throws Error (kInput)
// when there is no such run, or none at all.
StoredTable read_table(Store& store, std::optional<std::int64_t> run_id = {});

// One timing for each batch size, of the newest run that timed the series at it in this environment.
std::vector<BatchTiming> read_timings(Store& store, std::int64_t series_id, std::int64_t environment_id);

// The median time of each process that timed the series in this environment at a batch size, ms per image.
std::vector<double> process_medians(Store& store, std::int64_t series_id, std::int64_t environment_id, int batch);

// Repetitions of every stage that are stored for a series in an environment, any run: the pass is not repeated.
std::int64_t timed_repetitions(Store& store, std::int64_t series_id, std::int64_t environment_id, int batch);

// Rows in each table, by name: for `fewstep inspect`.
std::map<std::string, std::int64_t> count_rows(Store& store);
int schema_version(Store& store);

// Reads every feature file that the store names and compares content and hash. Throws Error (kInput) for the first
// that is missing, of another size or changed; returns how many there are.
std::int64_t check_features(Store& store);

std::filesystem::path path_of(const Store& store);    // of the SQLite file
std::filesystem::path folder_of(const Store& store);  // where it lies
// An image path of the store as a path below its folder. Throws Error (kInput) when it would leave it.
std::filesystem::path stored_image(const Store& store, const std::string& image_path);

}  // namespace fewstep
