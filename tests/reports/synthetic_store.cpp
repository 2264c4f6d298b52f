#include "reports/synthetic_store.h"

#include "core/image.h"
#include "images/files.h"
#include "store/database.h"

#include <cmath>

namespace fewstep {
namespace {

struct Row {
  std::string checkpoint, sampler;
  double fid = 0, clip = 0, ms = 0;  // at one step
};

// A disc of a colour and place of its prompt; noise covers it the more, the fewer steps there are.
Image drawing(int prompt, int steps, bool lcm) {
  constexpr int kSize = 64;
  Image image;
  image.height = image.width = kSize;
  const double clean = std::min(1.0, (lcm ? 0.55 : 0.2) + 0.22 * std::log2(steps));
  std::uint32_t random = 12345u + static_cast<std::uint32_t>(prompt);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const bool inside = std::hypot(x - 20 - prompt % 5 * 6, y - 24 - prompt % 3 * 8) < 14 + prompt % 4;
      for (int channel = 0; channel < 3; ++channel) {
        random = random * 1664525u + 1013904223u;
        const double noise = random >> 24;
        const double colour = inside ? (prompt * 97 + channel * 71) % 256 : 225 - 20 * channel;
        image.rgb.push_back(static_cast<std::uint8_t>(clean * colour + (1 - clean) * noise));
      }
    }
  }
  return image;
}

class Filler {
 public:
  Filler(Store& store, const SyntheticStore& wanted) : store_(store), wanted_(wanted) {
    std::vector<std::int64_t> rows;
    std::vector<std::string> texts = wanted.captions;
    for (int row = 0; row < wanted.images; ++row) rows.push_back(row);
    for (int row = static_cast<int>(texts.size()); row < wanted.images; ++row)
      texts.push_back("caption " + std::to_string(row));
    store.add_prompts(std::string(64, 'a'), rows, texts);
    fid_ = store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false});
    clip_ = store.add_metric({"clip-score", "transformers", std::string(64, '1'), 1, true});
    run_ =
        store.begin_run(store.add_config(R"({"name":"synthetic","seed":20231006})"),
                        store.add_environment(R"({"cpu":"test machine","threads":2,"libtorch":"2.11"})"), "synthetic");
  }

  void add_cell(const Row& row, int steps, double omega) {
    CellKey key;
    key.checkpoint_sha256 = std::string(64, row.checkpoint == "lcm" ? 'c' : 'b');
    key.checkpoint_name = row.checkpoint;
    key.checkpoint_kind = row.checkpoint == "lcm" ? "consistency" : "teacher";
    key.sampler = row.sampler;
    key.spacing = row.sampler == "lcm" ? "lcm" : "trailing";
    key.final_sigma = "zero";
    key.steps = steps;
    key.original_inference_steps = row.sampler == "lcm" ? 50 : 0;
    key.omega = omega;
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
      store_.set_cell(run_, series, position_++, CellState::kFailed, wanted_.images,
                      "out of memory at prompt \"<b>|\x1b[31mred\n\" — free some");
      return;
    }
    if (!waits) add_samples(key, series, stops ? 5 : wanted_.images, forwards, row, steps);
    if (waits || stops) {
      store_.set_cell(run_, series, position_++, waits ? CellState::kPlanned : CellState::kIncomplete, wanted_.images);
      return;
    }
    const double better = omega - 7;
    const bool broken = row.sampler == "ddim" && steps == 8;
    store_.add_score(run_, series, fid_, std::string(64, '3'),
                     {row.fid / std::sqrt(steps) - better,
                      wanted_.fid_error / steps,
                      wanted_.images,
                      {"rank-deficient", "biased-upward"}});
    store_.add_score(run_, series, clip_, "",
                     {broken ? std::nan("") : row.clip + std::log2(steps) + better, 0.002, wanted_.images, {}});
    add_timings(series, row.ms, steps);
    store_.set_cell(run_, series, position_++, CellState::kComplete, wanted_.images);
  }

  void finish() {
    store_.end_run(run_, "failed");
    store_.impl().database.exec(
        "UPDATE run SET started = '2026-01-02T03:04:05Z', ended = '2026-01-02T03:14:15Z', version = '0.1.0'");
  }

 private:
  void add_samples(const CellKey& key, std::int64_t series, int count, int forwards, const Row& row, int steps) {
    std::vector<SampleRow> samples;
    MetricRows clip{clip_, 1, {}};
    for (int prompt = 0; prompt < count; ++prompt) {
      samples.push_back({prompt, 0, static_cast<std::uint64_t>(prompt), forwards, std::string(64, 'e'),
                         prompt < wanted_.kept_images ? keep(key, prompt) : ""});
      const double lost = key.sampler == "lcm" && prompt < wanted_.lost_prompts ? 20 + prompt : 0;
      clip.values.push_back(static_cast<float>(row.clip + std::log2(steps) + prompt * 37 % 11 - 5 - lost));
    }
    store_.add_batch(run_, series, samples,
                     wanted_.scored_prompts ? std::vector<MetricRows>{clip} : std::vector<MetricRows>{});
  }

  // The image's path below the store's folder.
  std::string keep(const CellKey& key, int prompt) {
    const std::filesystem::path file = "synthetic.images/" + key.checkpoint_name + "-" + key.sampler + "-" +
                                       std::to_string(key.steps) + "-" + std::to_string(prompt) + ".png";
    const auto path = store_.impl().path.parent_path() / file;
    std::filesystem::create_directories(path.parent_path());
    write_png(path, drawing(prompt, key.steps, key.sampler == "lcm"));
    return file.string();
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
  const SyntheticStore& wanted_;
  std::int64_t fid_ = 0, clip_ = 0, run_ = 0;
  int position_ = 0;
};

}  // namespace

Store synthetic_store(const std::filesystem::path& path, const SyntheticStore& wanted) {
  Store store = Store::open(path, Store::Mode::kWrite);
  Filler filler(store, wanted);
  for (const double omega : wanted.omegas)
    for (const Row& row : {Row{"sd21-base", "ddim", 183.29, 14.03, 120}, Row{"sd21-base", "dpm", 185.78, 14.01, 121},
                           Row{"lcm", "lcm", 35.36, 24.14, 63.5}})
      for (const int steps : {1, 2, 4, 8}) filler.add_cell(row, steps, omega);
  filler.finish();
  return store;
}

}  // namespace fewstep
