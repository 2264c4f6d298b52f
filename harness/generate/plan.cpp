#include "harness/generate/plan.h"

#include <algorithm>
#include <map>
#include <set>

namespace fewstep {
namespace {

SeriesKey series_of(const Experiment& experiment, const PlannedCell& planned, const std::string& prompt_source,
                    const Compute& compute) {
  const Cell& cell = planned.cell;
  SeriesKey key;
  key.checkpoint_sha256 = planned.checkpoint.hash;
  key.checkpoint_name = cell.checkpoint;
  key.checkpoint_kind = name_of(planned.checkpoint.kind);
  key.sampler = cell.sampler;
  key.spacing = grid_word(cell.grid);
  key.final_sigma = name_of(cell.final_sigma);
  key.steps = cell.steps;
  key.original_inference_steps = cell.grid.original_inference_steps;
  key.omega = cell.guidance.omega;
  key.given_as_guidance_scale = cell.guidance.given_as_guidance_scale;
  key.negative_prompt = experiment.negative_prompt;
  key.seed = experiment.seed;
  key.prompt_source = prompt_source;
  key.height = planned.size.height;
  key.width = planned.size.width;
  key.dtype = name_of(compute.dtype);
  key.device_kind = compute.device.is_cuda() ? "cuda" : "cpu";
  return key;
}

}  // namespace

Plan make_plan(const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts, const Compute& compute,
               const HashOfFolder& hash_of) {
  Plan plan;
  plan.prompts = std::move(prompts);
  plan.images_per_prompt = experiment.images_per_prompt;
  for (const Prompt& prompt : plan.prompts.prompts) {
    plan.texts.push_back(prompt.text);
    plan.rows.push_back(prompt.row);
  }
  std::map<std::filesystem::path, CheckpointInfo> infos;
  for (const Cell& cell : cells) {
    auto info = infos.find(cell.checkpoint_path);
    if (info == infos.end()) {
      info = infos.emplace(cell.checkpoint_path, inspect_checkpoint(cell.checkpoint_path, !hash_of)).first;
      if (hash_of) info->second.hash = hash_of(cell.checkpoint_path);
    }
    PlannedCell planned{cell, info->second, image_size(cell.checkpoint_path, experiment.height, experiment.width), {}};
    planned.series = series_of(experiment, planned, plan.prompts.source, compute);
    plan.cells.push_back(std::move(planned));
  }
  return plan;
}

std::vector<std::vector<ImageKey>> missing_batches(const Plan& plan,
                                                   std::span<const std::pair<std::int64_t, int>> finished, int batch) {
  const std::set<std::pair<std::int64_t, int>> done(finished.begin(), finished.end());
  std::vector<std::vector<ImageKey>> batches;
  const std::int64_t images = plan.images_per_cell();
  for (std::int64_t begin = 0; begin < images; begin += batch) {
    if (!plan.shard.has(begin / batch)) continue;
    std::vector<ImageKey> keys;
    bool missing = false;
    for (std::int64_t i = begin; i < std::min(begin + batch, images); ++i) {
      const ImageKey key{static_cast<std::size_t>(i / plan.images_per_prompt),
                         static_cast<int>(i % plan.images_per_prompt)};
      missing |= !done.contains({plan.rows[key.prompt], key.image});
      keys.push_back(key);
    }
    if (missing) batches.push_back(std::move(keys));
  }
  return batches;
}

std::vector<std::string> first_texts(const Plan& plan, int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(plan.texts[static_cast<std::size_t>(i) % plan.texts.size()]);
  return texts;
}

std::int64_t count_images(const std::vector<std::vector<ImageKey>>& batches) {
  std::int64_t images = 0;
  for (const auto& keys : batches) images += static_cast<std::int64_t>(keys.size());
  return images;
}

}  // namespace fewstep
