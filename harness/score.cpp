#include "harness/score.h"

#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "datasets/captions.h"
#include "harness/image_batches.h"
#include "images/files.h"
#include "metrics/reference.h"

#include <c10/core/InferenceMode.h>

#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace fewstep {
namespace {

struct Captions {
  std::vector<std::string> texts;    // empty without --prompts
  std::vector<std::int64_t> groups;  // images of one caption are not independent
};

Captions read_captions(const ScoreRequest& request, std::size_t images) {
  Captions captions;
  captions.groups.resize(images);
  std::iota(captions.groups.begin(), captions.groups.end(), 0);
  if (!request.prompts) return captions;
  const PromptSet set = read_prompts({.file = *request.prompts});
  if (set.prompts.size() != images) {
    throw input_error(request.prompts->string(),
                      "expected " + std::to_string(images) + " captions, one for each image of " +
                          request.images.string() + " in the order of their names, got " +
                          std::to_string(set.prompts.size()) +
                          (set.rows_empty ? " and " + std::to_string(set.rows_empty) + " empty lines" : ""));
  }
  std::map<std::string, std::int64_t> first;
  for (std::size_t i = 0; i < images; ++i) {
    captions.texts.push_back(set.prompts[i].text);
    captions.groups[i] = first.emplace(set.prompts[i].text, i).first->second;
  }
  return captions;
}

using References = std::vector<std::optional<Reference>>;  // of each metric

References make_references(const ScoreRequest& request, std::span<const OpenMetric> metrics, std::ostream& messages) {
  References references(metrics.size());
  if (!request.reference) return references;
  std::vector<const OpenMetric*> users;
  for (const OpenMetric& metric : metrics)
    if (metric.metric->needs_reference) users.push_back(&metric);
  if (!std::filesystem::is_directory(*request.reference)) {
    for (const OpenMetric* user : users)
      references[user - metrics.data()] = reference_from_file(*request.reference, *user, request.assume_protocol);
    return references;
  }
  std::int64_t skipped = 0;
  const auto fitted = fit_images(users, [&](const auto& use) {
    skipped = for_each_image_batch(list_images(*request.reference), {request.batch, request.skip_broken}, messages,
                                   [&](auto images, auto) { use(images); });
  });
  for (std::size_t i = 0; i < users.size(); ++i) {
    Reference& reference = references[users[i] - metrics.data()].emplace(Reference{fitted[i], "", {}});
    if (skipped > 0) reference.flags.push_back("skipped-reference-images:" + std::to_string(skipped));
  }
  return references;
}

}  // namespace

std::vector<MetricScore> score_images(const ScoreRequest& request, std::span<const OpenMetric> metrics,
                                      std::ostream& messages) {
  const std::vector<std::filesystem::path> files = list_images(request.images);
  const Captions captions = read_captions(request, files.size());
  const References references = make_references(request, metrics, messages);

  std::vector<std::vector<float>> rows(metrics.size());
  std::vector<std::int64_t> groups;
  const auto skipped =
      for_each_image_batch(files, {request.batch, request.skip_broken}, messages, [&](auto images, auto indices) {
        std::vector<std::string> prompts;
        for (const std::size_t i : indices) {
          groups.push_back(captions.groups[i]);
          if (!captions.texts.empty()) prompts.push_back(captions.texts[i]);
        }
        for (std::size_t m = 0; m < metrics.size(); ++m) {
          const std::vector<float> batch = metrics[m].measure.rows(images, prompts);
          rows[m].insert(rows[m].end(), batch.begin(), batch.end());
        }
      });

  std::vector<MetricScore> scores;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const auto& [metric, settings, measure] = metrics[m];
    const std::optional<Reference>& reference = references[m];
    Score score = metric->aggregate(settings.protocol, rows[m], measure.width, groups,
                                    reference ? &reference->gaussian : nullptr);
    if (skipped > 0) score.flags.push_back("skipped-images:" + std::to_string(skipped));
    if (reference) score.flags.insert(score.flags.end(), reference->flags.begin(), reference->flags.end());
    scores.push_back({settings.name, settings.protocol, std::move(score)});
  }
  return scores;
}

void run_score(const ScoreRequest& request, std::ostream& out, std::ostream& messages) {
  const std::vector<MetricSettings> settings = metric_settings(request);
  const Compute compute{parse_device(request.device), at::kFloat};
  const c10::InferenceMode inference;
  std::vector<OpenMetric> metrics;
  for (const MetricSettings& one : settings) metrics.push_back(open_metric(one, compute));
  print_scores(score_images(request, metrics, messages), request.json, out);
}

}  // namespace fewstep
