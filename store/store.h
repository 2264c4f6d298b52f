#pragma once
#include "core/cell_key.h"
#include "core/tripwires.h"
#include "metrics/score.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewstep {

struct MetricKey {
  std::string name, protocol, model_hash;
  int version = 1;
  bool higher_is_better = false;
};

struct SampleRow {
  std::int64_t prompt_row = 0;
  int image_index = 0;
  std::uint64_t seed = 0;        // of its own stream
  std::int64_t forwards = 0;     // measured network evaluations
  std::string image_sha256;      // over height, width and pixels
  std::string image_path;        // relative to the store's folder; empty when not kept
  std::string fingerprint = {};  // 192 bytes, harness/generate/regenerated.h; empty: none
  bool regenerated = false;      // close to the stored image and not equal to the bit: its new rows are marked
  std::optional<std::uint64_t> latents = {};  // first 64 bits of the SHA-256 of its initial latents, float32
  std::optional<Trips> trips = {};            // of the image alone; nothing: nobody looked
  // Images that went through the networks together where the device had no memory for the whole batch; else nothing.
  std::optional<int> together = {};
};

// What the store has of an image.
struct StoredImage {
  std::uint64_t seed = 0;
  std::string image_sha256, image_path, fingerprint;
};

// Rows of one metric for one batch, in the order of its samples: width 1 goes to sample_metric, more to a feature file.
struct MetricRows {
  std::int64_t metric_id = 0;
  std::int64_t width = 1;
  std::vector<float> values;  // [batch,width]
};

// The fact of a run that says how many cores other processes used, on average, while it timed its cells.
inline constexpr std::string_view kOtherCores = "cores of other processes while timing";

// The fact of a run that says for how many seconds the CPU quota of its control group held threads back meanwhile.
inline constexpr std::string_view kThrottledSeconds = "seconds throttled while timing";

// The parts of an image's time, in their order.
inline constexpr std::array<std::string_view, 3> kTimingStages{"text", "denoise", "decode"};

struct TimingRow {
  std::string process;  // one id per process: repetitions inside one are not independent
  int batch = 1;
  std::string stage;  // of kTimingStages
  int repetition = 0;
  double ms = 0;  // of the whole batch
  int round = 0;  // of the timing pass: repetitions of one round lie near in time
};

// kStale is no state that is stored: what a run that asks for another number of images finds of an earlier one.
enum class CellState { kPlanned, kRunning, kComplete, kIncomplete, kFailed, kStale };
inline constexpr std::array<std::string_view, 6> kCellStates{"planned",    "running", "complete",
                                                             "incomplete", "failed",  "stale"};
constexpr std::string_view name_of(CellState state) { return kCellStates[static_cast<std::size_t>(state)]; }
std::optional<CellState> parse_cell_state(std::string_view name);

// Results and timings in SQLite (WAL, synchronous=FULL, foreign keys on, one writer). A batch is one transaction:
// it is stored whole or not at all. Throws Error: kInput for a file that is no store or of a newer version,
// kEnvironment for a locked database or a full disk.
class Store {
 public:
  enum class Mode { kRead, kWrite };  // kWrite creates what is missing
  static Store open(const std::filesystem::path& path, Mode mode);
  // Whether something is there to be opened: not where no file is, nor where a writer was stopped before its first
  // table.
  static bool is_there(const std::filesystem::path& path);
  // Removes a store that is not open: the file, what SQLite and the lock have beside it, its features and images.
  static void remove(const std::filesystem::path& path);
  ~Store();
  Store(Store&&) noexcept;

  // Each returns the id of the existing row when the same thing is already there.
  std::int64_t add_checkpoint(const std::string& sha256, const std::string& name, const std::string& path,
                              const std::string& kind);
  std::int64_t add_environment(const std::string& json);
  std::int64_t add_config(const std::string& json);
  std::int64_t add_series(const CellKey& key);
  std::int64_t add_metric(const MetricKey& key);
  // The same for reading alone: nothing where the store does not have it.
  std::optional<std::int64_t> find_series(const CellKey& key);
  std::optional<std::int64_t> find_metric(const MetricKey& key);
  std::optional<std::int64_t> find_environment(const std::string& json);
  // The metric of that name, protocol and version that came last, whatever its network.
  std::optional<std::int64_t> find_metric_like(const MetricKey& key);
  // The hash under which a checkpoint was seen at a path last; empty where there is none.
  std::string checkpoint_at(const std::string& path);
  void add_prompts(const std::string& source, std::span<const std::int64_t> rows, std::span<const std::string> texts);

  std::int64_t begin_run(std::int64_t config_id, std::int64_t environment_id, const std::string& experiment_name);
  void end_run(std::int64_t run_id, const std::string& state);  // "complete" "failed" "interrupted" "incomplete"
  // Removes a complete run that stored no image, row or time and says what an earlier complete one says (settings,
  // machine, facts but for the command, cells, scores), and returns that one; nothing where the run stays.
  std::optional<std::int64_t> drop_repeated_run(std::int64_t run_id);
  // One row per cell of the run: position keeps the table's order.
  void set_cell(std::int64_t run_id, std::int64_t series_id, int position, CellState state,
                std::int64_t expected_images, const std::string& message = "");

  // The (prompt_row, image_index) pairs of a series that have a sample with rows for every one of metric_ids. A row
  // whose feature file is gone counts as missing.
  std::vector<std::pair<std::int64_t, int>> finished(std::int64_t series_id, std::span<const std::int64_t> metric_ids);
  // Nothing where there is no such sample.
  std::optional<StoredImage> find_image(std::int64_t series_id, std::int64_t prompt_row, int image_index);
  // Of an image that was kept later. Throws Error (kInput) where there is no such sample.
  void set_image_path(std::int64_t series_id, std::int64_t prompt_row, int image_index, const std::string& image_path);
  // A metric's row of one image; empty where there is none.
  std::vector<float> row_of(std::int64_t series_id, std::int64_t metric_id, std::int64_t prompt_row, int image_index);
  // One transaction. A sample that is there already keeps its row; another image_sha256 for it is an Error (kInput)
  // unless it is regenerated.
  void add_batch(std::int64_t run_id, std::int64_t series_id, std::span<const SampleRow> samples,
                 std::span<const MetricRows> metrics);

  struct Rows {
    std::int64_t width = 1;
    std::vector<float> values;              // [N,width], ordered by (prompt_row, image_index)
    std::vector<std::int64_t> prompt_rows;  // group of each row
    std::int64_t recomputed = 0;            // of these on images that were made again
    std::int64_t in_parts = 0;              // of these on images of a batch that went through the networks in parts
  };
  // The rows of the given prompts (source rows) and image indices < images_per_prompt.
  Rows rows(std::int64_t series_id, std::int64_t metric_id, std::span<const std::int64_t> prompt_rows,
            int images_per_prompt);

  void add_score(std::int64_t run_id, std::int64_t series_id, std::int64_t metric_id, const std::string& reference_hash,
                 const Score& score);
  // What a run was made from and under which conditions, for people: "command", "experiment file" …
  void set_fact(std::int64_t run_id, const std::string& name, const std::string& text);
  // Held-out reference images against the other ones; found of any run, for as many images.
  void set_floor(std::int64_t run_id, std::int64_t metric_id, const std::string& reference_hash, const Score& score);
  std::optional<Score> find_floor(std::int64_t metric_id, const std::string& reference_hash, std::int64_t images);
  void add_timings(std::int64_t run_id, std::int64_t series_id, std::span<const TimingRow> rows);

  struct Impl;                     // database.h
  Impl& impl() { return *impl_; }  // for the files of store/ alone
  const Impl& impl() const { return *impl_; }

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewstep
