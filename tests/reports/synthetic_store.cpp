#include "reports/synthetic_store.h"

#include "harness/store_database.h"

#include <cmath>

namespace fewstep {
namespace {

struct Row {
  std::string checkpoint, sampler;
  double fid = 0, clip = 0, ms = 0;  // at one step
};

constexpr int kImages = 12;

class Filler {
 public:
  explicit Filler(Store& store) : store_(store) {
    std::vector<std::int64_t> rows;
    std::vector<std::string> texts;
    for (int row = 0; row < kImages; ++row) {
      rows.push_back(row);
      texts.push_back("caption " + std::to_string(row));
    }
    store.add_prompts(std::string(64, 'a'), rows, texts);
    fid_ = store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false});
    clip_ = store.add_metric({"clip-score", "transformers", std::string(64, '1'), 1, true});
    run_ =
        store.begin_run(store.add_config(R"({"name":"synthetic","seed":20231006})"),
                        store.add_environment(R"({"cpu":"test machine","threads":2,"libtorch":"2.11"})"), "synthetic");
  }

  void add_cell(const Row& row, int steps) {
    SeriesKey key;
    key.checkpoint_sha256 = std::string(64, row.checkpoint == "lcm" ? 'c' : 'b');
    key.checkpoint_name = row.checkpoint;
    key.checkpoint_kind = row.checkpoint == "lcm" ? "consistency" : "teacher";
    key.sampler = row.sampler;
    key.spacing = row.sampler == "lcm" ? "lcm" : "trailing";
    key.final_sigma = "zero";
    key.steps = steps;
    key.original_inference_steps = row.sampler == "lcm" ? 50 : 0;
    key.omega = 7;
    key.seed = 20231006;
    key.prompt_source = std::string(64, 'a');
    key.height = key.width = 512;
    key.dtype = "float32";
    key.device_kind = "cpu";
    store_.add_checkpoint(key.checkpoint_sha256, row.checkpoint, "/checkpoints/" + row.checkpoint, key.checkpoint_kind);
    const auto series = store_.add_series(key);
    const int forwards = row.sampler == "lcm" ? steps : 2 * steps;
    const bool fails = row.sampler == "dpm" && steps == 1, stops = row.sampler == "dpm" && steps == 4,
               waits = row.sampler == "dpm" && steps == 8;
    if (fails) {
      store_.set_cell(run_, series, position_++, CellState::kFailed, kImages,
                      "out of memory at prompt \"<b>|\x1b[31mred\n\" — free some");
      return;
    }
    if (!waits) add_samples(series, stops ? 5 : kImages, forwards);
    if (waits || stops) {
      store_.set_cell(run_, series, position_++, waits ? CellState::kPlanned : CellState::kIncomplete, kImages);
      return;
    }
    const bool broken = row.sampler == "ddim" && steps == 8;
    store_.add_score(run_, series, fid_, std::string(64, '3'),
                     {row.fid / std::sqrt(steps), 1.25 / steps, kImages, {"rank-deficient"}});
    store_.add_score(run_, series, clip_, "",
                     {broken ? std::nan("") : row.clip + std::log2(steps), 0.002, kImages, {}});
    add_timings(series, row.ms, steps);
    store_.set_cell(run_, series, position_++, CellState::kComplete, kImages);
  }

  void finish() {
    store_.end_run(run_, "failed");
    store_.impl().database.exec(
        "UPDATE run SET started = '2026-01-02T03:04:05Z', ended = '2026-01-02T03:14:15Z', version = '0.1.0'");
  }

 private:
  void add_samples(std::int64_t series, int count, int forwards) {
    std::vector<SampleRow> samples;
    for (int row = 0; row < count; ++row)
      samples.push_back({row, 0, static_cast<std::uint64_t>(row), forwards, std::string(64, 'e'), ""});
    store_.add_batch(run_, series, samples, {});
  }

  void add_timings(std::int64_t series, double ms, int steps) {
    std::vector<TimingRow> rows;
    for (int repetition = 0; repetition < 10; ++repetition) {
      rows.push_back({"process-1", 1, "text", repetition, 1.5});
      rows.push_back({"process-1", 1, "denoise", repetition, ms * steps + repetition});
      rows.push_back({"process-1", 1, "decode", repetition, 22.25});
    }
    store_.add_timings(run_, series, rows);
  }

  Store& store_;
  std::int64_t fid_ = 0, clip_ = 0, run_ = 0;
  int position_ = 0;
};

}  // namespace

Store synthetic_store(const std::filesystem::path& path) {
  Store store = Store::open(path, Store::Mode::kWrite);
  Filler filler(store);
  for (const Row& row : {Row{"sd21-base", "ddim", 183.29, 14.03, 120}, Row{"sd21-base", "dpm", 185.78, 14.01, 121},
                         Row{"lcm", "lcm", 35.36, 24.14, 63.5}})
    for (const int steps : {1, 2, 4, 8}) filler.add_cell(row, steps);
  filler.finish();
  return store;
}

}  // namespace fewstep
