#pragma once
#include "store/store.h"

#include <string>
#include <vector>

namespace fewstep {

// Rows that look like those of a run, for tests of the store and of what reads it.

inline CellKey series_key(const std::string& sampler = "ddim", int steps = 4) {
  CellKey key;
  key.checkpoint_sha256 = std::string(64, 'c');
  key.checkpoint_name = "base";
  key.checkpoint_kind = "teacher";
  key.sampler = sampler;
  key.spacing = "trailing";
  key.final_sigma = "zero";
  key.steps = steps;
  key.omega = 7.0;
  key.seed = 20231006;
  key.prompt_source = std::string(64, 'a');
  key.height = key.width = 64;
  key.dtype = "float32";
  key.device_kind = "cpu";
  return key;
}

inline SampleRow sample_row(std::int64_t prompt_row, int image_index = 0, std::int64_t forwards = 8) {
  const std::string digits = std::to_string(prompt_row * 10 + image_index);
  return {prompt_row,
          image_index,
          static_cast<std::uint64_t>(prompt_row * 1000 + image_index),
          forwards,
          std::string(64 - digits.size(), '0') + digits,
          ""};
}

// A store with one run under way: series, two metrics (1 and 3 numbers an image) and captions 0…9.
struct FilledStore {
  explicit FilledStore(const std::filesystem::path& path) : store(Store::open(path, Store::Mode::kWrite)) {
    config = store.add_config(R"({"name":"synthetic"})");
    environment = store.add_environment(R"({"cpu":"test"})");
    store.add_checkpoint(std::string(64, 'c'), "base", "/checkpoints/base", "teacher");
    series = store.add_series(series_key());
    clip = store.add_metric({"clip-score", "transformers", std::string(64, '1'), 1, true});
    fid = store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false});
    std::vector<std::int64_t> rows;
    std::vector<std::string> texts;
    for (std::int64_t row = 0; row < 10; ++row) {
      rows.push_back(row);
      texts.push_back("caption " + std::to_string(row));
    }
    store.add_prompts(std::string(64, 'a'), rows, texts);
    run = store.begin_run(config, environment, "synthetic");
  }

  // Prompts first…first+count−1, image 0: clip-score = row, features = {row, row + ½, −row}.
  void add_batch(std::int64_t first, int count) {
    std::vector<SampleRow> samples;
    MetricRows scores{clip, 1, {}}, features{fid, 3, {}};
    for (std::int64_t row = first; row < first + count; ++row) {
      const auto number = static_cast<float>(row);
      samples.push_back(sample_row(row));
      scores.values.push_back(number);
      features.values.insert(features.values.end(), {number, number + 0.5f, -number});
    }
    const std::vector<MetricRows> metrics{scores, features};
    store.add_batch(run, series, samples, metrics);
  }

  Store store;
  std::int64_t config = 0, environment = 0, series = 0, clip = 0, fid = 0, run = 0;
};

}  // namespace fewstep
