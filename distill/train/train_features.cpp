#include "checkpoints/checkpoint_writer.h"
#include "distill/image_data.h"
#include "distill/method.h"
#include "distill/network.h"
#include "models/feature_net.h"

#include "core/error.h"

#include <fmt/format.h>

#include <ATen/ATen.h>

namespace fewstep {
namespace {

// These weights make every term of the loss count: most objects are absent in any one image.
constexpr double kObjectsWeight = 20, kOccupancyWeight = 5;

Tensor rows_of(const std::vector<ImageLabels>& labels, std::vector<float> ImageLabels::*part) {
  std::vector<Tensor> rows;
  for (const ImageLabels& one : labels) rows.push_back(at::tensor(one.*part, at::kFloat));
  return at::stack(rows);
}

Tensor features_loss(const std::map<std::string, Tensor>& logits, const std::vector<ImageLabels>& labels) {
  const at::Device device = logits.at("background").device();
  std::vector<std::int64_t> backgrounds;
  for (const ImageLabels& one : labels) backgrounds.push_back(one.background);
  const auto yes_or_no = [&](const char* head, std::vector<float> ImageLabels::*part) {
    return at::binary_cross_entropy_with_logits(logits.at(head).to(at::kFloat), rows_of(labels, part).to(device));
  };
  return at::cross_entropy_loss(logits.at("background").to(at::kFloat), at::tensor(backgrounds, at::kLong).to(device)) +
         yes_or_no("count", &ImageLabels::count) + kObjectsWeight * yes_or_no("objects", &ImageLabels::objects) +
         kOccupancyWeight * yes_or_no("occupancy", &ImageLabels::occupancy);
}

void check_heads(const FeatureNetConfig& config, const ImageLabels& labels, const std::string& where) {
  for (const auto& [head, size] : std::map<std::string, std::size_t>{{"count", labels.count.size()},
                                                                     {"objects", labels.objects.size()},
                                                                     {"occupancy", labels.occupancy.size()}}) {
    const auto found = config.heads.find(head);
    if (found == config.heads.end() || found->second != static_cast<std::int64_t>(size))
      throw input_error(where, fmt::format("expected a head \"{}\" of {} outputs, got {}", head, size,
                                           (found == config.heads.end() ? "none" : std::to_string(found->second))));
  }
  if (!config.heads.contains("background")) throw input_error(where, "expected a head \"background\", got none");
}

}  // namespace

bool train_features(const Recipe& recipe, TrainingContext& context) {
  const FeatureNetConfig config = read_feature_net_config(recipe.network);
  check_heads(config, context.labels(0), recipe.network.string());
  Phase phase{
      "features", recipe.train.steps, trainable_copy(fresh_feature_net(config, recipe.seed), context.device), {}, 0,
      {}};
  const FeatureNet net = make_feature_net(config, phase.parameters, {context.device, at::kFloat});
  BatchOrder order(context.images.count, recipe.train.batch, recipe.seed);
  phase.loss = [&](std::int64_t step, at::Generator&) {
    const auto rows = order.rows(step);
    std::vector<ImageLabels> labels;
    for (const auto row : rows) labels.push_back(context.labels(row));
    return features_loss(head_logits(net, from_images(read_batch(context.images, rows, recipe.data.resolution).images)),
                         labels);
  };
  if (!train(phase, recipe.train, recipe.seed, context.device, context.state, context.hooks)) return false;
  write_network_folder(recipe.output, {feature_net_json(config), phase.parameters}, "model", scalar_type(recipe.dtype),
                       provenance_of(recipe, context));
  return true;
}

}  // namespace fewstep
