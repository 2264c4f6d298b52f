#include "harness/score/score_arm.h"

#include "core/error.h"
#include "core/files.h"
#include "core/folder.h"
#include "harness/generate/generate.h"
#include "harness/generate/regenerated.h"
#include "harness/score/image_batches.h"
#include "harness/score/reference_cache.h"
#include "harness/score/reference_images.h"
#include "harness/score/run_metrics.h"
#include "harness/score/score_parts.h"
#include "images/tripwires.h"
#include "process/environment.h"
#include "store/cell_digest.h"
#include "store/influence.h"
#include "store/read.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr int kReferenceBatch = 16;
constexpr std::size_t kStoredAtOnce = 64;

// Measured images, in the order in which they are stored.
struct MeasuredImages {
  std::vector<SampleRow> samples;
  std::vector<std::vector<float>> rows;  // of each metric that measures
  int height = 0, width = 0;             // 0: of several sizes
  std::int64_t skipped = 0;
};

// Which row and number each image has: its caption's row, or where the table names files the first row of its text.
std::vector<std::pair<std::int64_t, int>> keys_of(const Captions& captions) {
  std::map<std::string, std::int64_t> first;
  std::map<std::int64_t, int> next;
  std::vector<std::pair<std::int64_t, int>> keys;
  for (std::size_t i = 0; i < captions.rows.size(); ++i) {
    const std::int64_t row =
        captions.names_files ? first.emplace(captions.texts[i], captions.rows[i]).first->second : captions.rows[i];
    keys.emplace_back(row, next[row]++);
  }
  return keys;
}

// Below the store's folder, or empty: a page can only show images that lie there.
std::string path_in_store(const Path& store, const Path& file) {
  std::error_code failure;
  const Path folder = std::filesystem::weakly_canonical(std::filesystem::absolute(store), failure).parent_path();
  const Path relative =
      std::filesystem::weakly_canonical(std::filesystem::absolute(file), failure).lexically_relative(folder);
  return relative.empty() || *relative.begin() == ".." ? "" : relative.string();
}

MeasuredImages measure(const ScoreRequest& request, std::span<const OpenMetric> metrics, const std::vector<Path>& files,
                       const Captions& captions, std::ostream& messages) {
  const auto sources = row_sources(metrics);
  const auto keys = keys_of(captions);
  MeasuredImages measured;
  measured.rows.resize(metrics.size());
  std::set<std::pair<int, int>> sizes;
  measured.skipped =
      for_each_image_batch(files, {request.batch, request.max_left_out}, messages, [&](auto images, auto indices) {
        std::vector<std::string> prompts;
        for (std::size_t b = 0; b < images.size(); ++b) {
          const std::size_t i = indices[b];
          prompts.push_back(captions.texts[i]);
          sizes.insert({images[b].height, images[b].width});
          SampleRow sample{
              keys[i].first, keys[i].second, 0, 0, image_hash(images[b]), path_in_store(request.store, files[i])};
          sample.fingerprint = fingerprint(images[b]);
          sample.trips = trips_of(images[b]);
          measured.samples.push_back(std::move(sample));
        }
        for (std::size_t m = 0; m < metrics.size(); ++m) {
          if (sources[m] != m) continue;
          const auto batch = metrics[m].measure.rows(images, prompts);
          measured.rows[m].insert(measured.rows[m].end(), batch.begin(), batch.end());
        }
      });
  if (sizes.size() == 1) std::tie(measured.height, measured.width) = *sizes.begin();
  return measured;
}

CellKey series_of(const ScoreRequest& request, const std::vector<Path>& files, const Captions& captions,
                  const MeasuredImages& measured) {
  CellKey key;
  key.checkpoint_sha256 = hash_of_files(files, request.images);
  key.checkpoint_name = request.name.empty() ? folder_name(request.images) : request.name;
  key.checkpoint_kind = kElsewhere;
  key.sampler = request.sampler.empty() ? std::string(kElsewhere) : request.sampler;
  key.spacing = key.final_sigma = kElsewhere;
  key.steps = request.steps;
  key.omega = request.guidance.omega;
  key.given_as_guidance_scale = request.guidance.given_as_guidance_scale;
  key.prompt_source = captions.source;
  key.height = measured.height;
  key.width = measured.width;
  key.dtype = key.device_kind = kElsewhere;
  return key;
}

void add_images(Store& store, std::int64_t run, std::int64_t series, const MeasuredImages& measured,
                std::span<const OpenMetric> metrics, std::span<const std::int64_t> row_ids) {
  for (std::size_t first = 0; first < measured.samples.size(); first += kStoredAtOnce) {
    const std::size_t count = std::min(kStoredAtOnce, measured.samples.size() - first);
    std::vector<MetricRows> rows;
    for (std::size_t m = 0; m < metrics.size(); ++m) {
      if (measured.rows[m].empty()) continue;
      const auto width = static_cast<std::size_t>(metrics[m].measure.width);
      const auto begin = measured.rows[m].begin() + static_cast<std::ptrdiff_t>(first * width);
      rows.push_back(
          {row_ids[m], metrics[m].measure.width, {begin, begin + static_cast<std::ptrdiff_t>(count * width)}});
    }
    store.add_batch(run, series, std::span(measured.samples).subspan(first, count), rows);
  }
}

std::optional<Reference> reference_of(const ScoreRequest& request, const OpenMetric& metric, std::ostream& messages) {
  if (!metric.metric->needs_reference) return {};
  if (!std::filesystem::is_directory(*request.reference))
    return reference_from_file(*request.reference, metric, request.assume_protocol);
  const Path cache = references_folder(Path(request.store).replace_extension(".references"));
  return reference_from_folder(*request.reference, metric, cache, kReferenceBatch, request.max_left_out,
                               request.verify ? KnownFolders::kVerify : KnownFolders::kTake, messages);
}

// The captions that have images, rising.
struct ArmPrompts {
  std::vector<std::int64_t> rows;
  std::vector<std::string> texts;
  int images_per_prompt = 1;
};

ArmPrompts prompts_of(const Captions& captions) {
  std::map<std::int64_t, std::string> texts;
  ArmPrompts prompts;
  const auto keys = keys_of(captions);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    texts.emplace(keys[i].first, captions.texts[i]);
    prompts.images_per_prompt = std::max(prompts.images_per_prompt, keys[i].second + 1);
  }
  for (const auto& [row, text] : texts) {
    prompts.rows.push_back(row);
    prompts.texts.push_back(text);
  }
  return prompts;
}

std::string folder_text(const ScoreRequest& request) {
  return std::filesystem::absolute(request.images).lexically_normal().string();
}

// Writes down what the arm is; returns its run.
std::int64_t begin_arm(Store& store, const ScoreRequest& request, const CellKey& key, const ArmPrompts& prompts,
                       at::Device device) {
  store.add_prompts(key.prompt_source, prompts.rows, prompts.texts);
  store.add_checkpoint(key.checkpoint_sha256, key.checkpoint_name, folder_text(request), key.checkpoint_kind);
  const nlohmann::json config = {
      {"images", key.checkpoint_name},
      {"kind", kElsewhere},
      {"sampler", key.sampler},
      {"steps", key.steps},
      {"prompts", {{"images_per_prompt", prompts.images_per_prompt}, {"source", key.prompt_source}}}};
  const std::int64_t run = store.begin_run(store.add_config(config.dump()),
                                           store.add_environment(environment_json(device)), key.checkpoint_name);
  store.set_fact(run, "prompts", request.prompts->filename().string());
  store.set_fact(run, "images", folder_text(request));
  if (request.reference) store.set_fact(run, "reference", request.reference->filename().string());
  return run;
}

}  // namespace

std::vector<MetricScore> score_arm(const ScoreRequest& request, std::span<const OpenMetric> metrics, at::Device device,
                                   std::ostream& messages) {
  if (!request.prompts)
    throw usage_error("--store", "expected --prompts FILE: arms are compared prompt by prompt, and only of equal ones");
  std::vector<const OpenMetric*> all;
  for (const OpenMetric& metric : metrics) all.push_back(&metric);
  const ImageList list = images_for(request.images, all);
  messages << "scored: " << text_of(list, request.images) << std::endl;
  const Captions captions = read_captions(request, list.files, messages);
  std::vector<std::optional<Reference>> references;
  for (const OpenMetric& metric : metrics) references.push_back(reference_of(request, metric, messages));
  const MeasuredImages measured = measure(request, metrics, list.files, captions, messages);
  const CellKey key = series_of(request, list.files, captions, measured);
  const ArmPrompts prompts = prompts_of(captions);

  // What can fail has been done: from here on a run is stored whole.
  Store store = Store::open(request.store, Store::Mode::kWrite);
  const std::int64_t run = begin_arm(store, request, key, prompts, device), series = store.add_series(key);
  const auto expected = static_cast<std::int64_t>(list.files.size());
  store.set_cell(run, series, 0, CellState::kRunning, expected);
  const MetricIds ids = add_metrics(store, metrics);
  add_images(store, run, series, measured, metrics, ids.rows);
  std::vector<MetricScore> scores;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const Store::Rows stored = store.rows(series, ids.rows[m], prompts.rows, prompts.images_per_prompt);
    const auto note = [&](Score& made) {
      if (measured.skipped > 0) made.flags.emplace_back(FlagKind::kSkippedImages, measured.skipped);
    };
    scores.push_back({metrics[m].settings.name, metrics[m].settings.protocol,
                      add_score(store, {run, series, ids.scores[m]}, metrics[m], stored, references[m], note)});
  }
  digest_cell(store, run, 0, series, prompts.rows, prompts.images_per_prompt);
  const bool whole = measured.skipped == 0;
  store.set_cell(run, series, 0, whole ? CellState::kComplete : CellState::kIncomplete, expected,
                 whole ? "" : fmt::format("{} images were broken and left out", measured.skipped));
  store.end_run(run, whole ? "complete" : "incomplete");
  messages << "kept as " << key.checkpoint_name << " in " << request.store.string() << std::endl;
  return scores;
}

}  // namespace fewstep
