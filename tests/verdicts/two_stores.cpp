#include "verdicts/two_stores.h"

#include "core/files.h"
#include "images/files.h"
#include "store/cell_digest.h"
#include "store/database.h"
#include "store/influence.h"

#include <cmath>

namespace fewstep {
namespace {

// A standard normal number that belongs to a text.
double number_for(const std::string& text) {
  const double a = (static_cast<double>(number_of(text)) + 1) / 0x1p60;
  const double b = static_cast<double>(number_of(text + "'")) / 0x1p60;
  return std::sqrt(-2 * std::log(a)) * std::cos(2 * M_PI * b);
}

// A square of a colour of its text on another one.
Image drawing(const std::string& text) {
  Image image{32, 32, {}};
  const auto hash = number_of(text);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const bool inside = x > 6 && x < 24 && y > 8 && y < 26;
        image.rgb.push_back(static_cast<std::uint8_t>((hash >> ((inside ? 8 : 32) + 8 * channel)) & 255));
      }
  return image;
}

class Writer {
 public:
  Writer(const std::filesystem::path& path, const ArmStore& wanted)
      : path_(path), wanted_(wanted), store_(Store::open(path, Store::Mode::kWrite)) {
    std::vector<std::string> texts;
    for (int row = 0; row < wanted.prompts; ++row) {
      rows_.push_back(row);
      texts.push_back(wanted.caption + std::to_string(row));
    }
    store_.add_prompts(wanted.source, rows_, texts);
    store_.add_checkpoint(wanted.sha256, wanted.checkpoint, "/checkpoints/" + wanted.checkpoint, wanted.kind);
    fid_ = store_.add_metric({"fid", wanted.protocol, std::string(64, '2'), 1, false});
    clip_ = store_.add_metric({"clip-score", "transformers", wanted.clip_model, 1, true});
    const std::string config = R"({"checkpoint":")" + wanted.checkpoint + R"(","prompts":{"images_per_prompt":)" +
                               std::to_string(wanted.images_per_prompt) + "}}";
    run_ = store_.begin_run(store_.add_config(config), store_.add_environment(wanted.environment), "synthetic");
  }

  void add(const ArmCell& cell, int position) {
    const std::int64_t series = store_.add_series(key_of(cell));
    const int images = wanted_.prompts * wanted_.images_per_prompt;
    std::vector<SampleRow> samples;
    std::vector<double> clip, fid;
    std::vector<std::int64_t> prompts;
    MetricRows values{clip_, 1, {}};
    const int stored = cell.stored < 0 ? images : cell.stored;
    for (int i = 0; i < stored; ++i) {
      const int prompt = i / wanted_.images_per_prompt, index = i % wanted_.images_per_prompt;
      const std::string name = cell.sampler + std::to_string(cell.steps) + "," + std::to_string(prompt);
      const std::string own = name + "," + std::to_string(index) + "," + std::to_string(wanted_.seed);
      clip.push_back(28 + 3 * number_for("prompt" + std::to_string(prompt)) + number_for("clip" + own) + cell.clip +
                     wanted_.jitter * (cell.clip == 0 ? 0 : number_for("move" + own + wanted_.sha256)));
      fid.push_back(20 * number_for("prompt" + std::to_string(prompt)) + 4 * number_for("fid" + own) +
                    wanted_.jitter * (cell.fid == 0 ? 0 : 5 * number_for("apart" + own + wanted_.sha256)));
      prompts.push_back(prompt);
      values.values.push_back(static_cast<float>(clip.back()));
      samples.push_back(sample(cell, prompt, index, own));
    }
    store_.add_batch(run_, series, samples,
                     cell.has_clip ? std::vector<MetricRows>{values} : std::vector<MetricRows>{});
    if (cell.state == CellState::kComplete) {
      add_score(series, fid_, wanted_.reference, 40 + cell.fid + mean(fid), fid, prompts);
      if (cell.has_clip) add_score(series, clip_, "", cell.clip_is_nan ? std::nan("") : mean(clip), clip, prompts);
      add_times(series, cell);
    }
    store_.set_cell(run_, series, position, cell.state, images, cell.state == CellState::kFailed ? "broke" : "");
    if (cell.state == CellState::kComplete)
      digest_cell(store_, run_, position, series, rows_, wanted_.images_per_prompt);
  }

  void finish() {
    store_.end_run(run_, "complete");
    store_.impl().database.exec("UPDATE run SET started = '2026-01-02T03:04:05Z', version = '0.1.0'");
  }

 private:
  CellKey key_of(const ArmCell& cell) const {
    CellKey key;
    key.checkpoint_sha256 = wanted_.sha256;
    key.checkpoint_name = wanted_.checkpoint;
    key.checkpoint_kind = wanted_.kind;
    key.sampler = cell.sampler;
    key.spacing = cell.sampler == "lcm" ? "lcm" : "trailing";
    key.final_sigma = cell.final_sigma;
    key.steps = cell.steps;
    key.original_inference_steps = cell.sampler == "lcm" ? cell.original_inference_steps : 0;
    key.omega = cell.omega;
    key.seed = wanted_.seed;
    key.prompt_source = wanted_.source;
    key.height = key.width = wanted_.size;
    key.dtype = "float32";
    key.device_kind = "cpu";
    return key;
  }

  SampleRow sample(const ArmCell& cell, int prompt, int index, const std::string& own) {
    const std::string what = own + "," + std::to_string(cell.clip) + "," + std::to_string(cell.fid);
    SampleRow row{
        prompt, index, static_cast<std::uint64_t>(prompt * 100 + index), cell.steps, sha256(what), "", "", false,
        {},     {}};
    if (wanted_.keeps_images) {
      row.image_path = path_.stem().string() + ".images/" + row.image_sha256 + ".png";
      std::filesystem::create_directories((path_.parent_path() / row.image_path).parent_path());
      write_png(path_.parent_path() / row.image_path, drawing(what));
    }
    if (wanted_.knows_latents) row.latents = static_cast<std::uint64_t>(number_of("latents" + own));
    if (wanted_.looked_at) row.trips = cell.trips.contains(prompt) ? cell.trips.at(prompt) : 0;
    return row;
  }

  static double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }

  void add_score(std::int64_t series, std::int64_t metric, const std::string& reference, double value,
                 std::vector<double> of_image, const std::vector<std::int64_t>& prompts) {
    store_.add_score(run_, series, metric, reference, {value, 1, static_cast<std::int64_t>(of_image.size()), {}});
    if (!wanted_.has_influence && metric == fid_) return;
    const double centre = mean(of_image);
    for (double& one : of_image) one -= centre;
    set_influence(store_, run_, series, metric, reference, prompts, {of_image, false});
  }

  void add_times(std::int64_t series, const ArmCell& cell) {
    std::vector<TimingRow> rows;
    for (int process = 0; process < wanted_.processes; ++process) {
      const std::string name = "process-" + std::to_string(process);
      const double own = wanted_.ms * (1 + 0.002 * number_for(name + std::to_string(wanted_.seed) + cell.sampler));
      for (int repetition = 0; repetition < 3; ++repetition) {
        rows.push_back({name, 1, "text", repetition, 1.5});
        rows.push_back({name, 1, "denoise", repetition, own * cell.steps});
        rows.push_back({name, 1, "decode", repetition, 20});
      }
    }
    store_.add_timings(run_, series, rows);
  }

  const std::filesystem::path path_;
  const ArmStore& wanted_;
  Store store_;
  std::vector<std::int64_t> rows_;
  std::int64_t fid_ = 0, clip_ = 0, run_ = 0;
};

}  // namespace

void write_arm(const std::filesystem::path& path, const ArmStore& wanted) {
  Writer writer(path, wanted);
  int position = 0;
  for (const ArmCell& cell : wanted.cells) writer.add(cell, position++);
  writer.finish();
}

}  // namespace fewstep
