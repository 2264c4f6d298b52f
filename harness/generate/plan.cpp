#include "harness/generate/plan.h"

#include <algorithm>
#include <map>
#include <set>

namespace fewstep {
namespace {

// What a cell is on its checkpoint, of these captions and on this device.
PlannedCell planned_cell(Cell cell, const CheckpointInfo& checkpoint, const std::string& prompt_source,
                         const Compute& compute) {
  CellKey& key = cell.key;
  const ImageSize size = image_size(cell.checkpoint, key.height, key.width);
  key.checkpoint_sha256 = checkpoint.hash;
  key.checkpoint_kind = name_of(checkpoint.kind);
  key.prompt_source = prompt_source;
  key.height = size.height;
  key.width = size.width;
  key.dtype = name_of(compute.dtype);
  key.device_kind = compute.device.is_cuda() ? "cuda" : "cpu";
  return {std::move(cell), checkpoint, size};
}

}  // namespace

Plan make_plan(const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts, const Compute& compute,
               const KnownHash& hash_of) {
  Plan plan;
  plan.prompts = std::move(prompts);
  plan.images_per_prompt = experiment.images_per_prompt;
  for (const Prompt& prompt : plan.prompts.prompts) {
    plan.texts.push_back(prompt.text);
    plan.rows.push_back(prompt.row);
  }
  std::map<CheckpointRef, CheckpointInfo> infos;
  for (const Cell& cell : cells) {
    auto info = infos.find(cell.checkpoint);
    if (info == infos.end()) {
      info = infos.emplace(cell.checkpoint, inspect_checkpoint(cell.checkpoint, !hash_of)).first;
      if (hash_of) info->second.hash = hash_of(cell.checkpoint);
    }
    plan.cells.push_back(planned_cell(cell, info->second, plan.prompts.source, compute));
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
