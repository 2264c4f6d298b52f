#include "harness/score.h"

#include "core/error.h"
#include "core/tensor.h"
#include "datasets/captions.h"
#include "harness/image_batches.h"
#include "images/files.h"
#include "metrics/statistics_file.h"

#include <c10/core/InferenceMode.h>

#include <map>
#include <numeric>
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

// Appends the rows of a batch, [B,width].
void append(std::vector<float>& rows, const OpenMetric& metric, std::span<const Image> images,
            std::span<const std::string> prompts) {
  const Tensor batch = metric.measure.rows(images, prompts).contiguous();
  const float* values = batch.const_data_ptr<float>();
  rows.insert(rows.end(), values, values + batch.numel());
}

struct Reference {
  Gaussian gaussian;
  std::vector<std::string> flags;
};

Reference reference_from_file(const ScoreRequest& request, const OpenMetric& metric) {
  StatisticsFile file = read_statistics(*request.reference);
  const std::string where = request.reference->string();
  Reference reference;
  if (file.protocol.empty()) {
    if (!request.assume_protocol) {
      throw input_error(where,
                        "expected statistics that name their protocol, got none; --assume-protocol takes them as " +
                            metric.settings.protocol);
    }
    reference.flags.push_back("assumed-protocol");
  } else if (file.protocol != metric.settings.protocol) {
    throw input_error(where, "expected statistics of protocol " + metric.settings.protocol + ", got " + file.protocol);
  }
  if (!file.network.empty() && file.network != metric.measure.model_hash) {
    throw input_error(where, "expected statistics of the network " + metric.measure.model_hash.substr(0, 16) +
                                 "…, got " + file.network.substr(0, 16) + "…; give the same weights to both");
  }
  reference.gaussian = std::move(file.gaussian);
  return reference;
}

using References = std::map<const OpenMetric*, Reference>;

References references_from_folder(const ScoreRequest& request, std::span<const OpenMetric> metrics,
                                  std::ostream& messages) {
  std::map<const OpenMetric*, FeatureStatistics> statistics;
  for (const OpenMetric& metric : metrics)
    if (metric.metric->needs_reference) statistics[&metric];
  const auto skipped = for_each_image_batch(list_images(*request.reference), {request.batch, request.skip_broken},
                                            messages, [&](auto images, auto) {
                                              for (auto& [metric, moments] : statistics) {
                                                std::vector<float> rows;
                                                append(rows, *metric, images, {});
                                                accumulate(moments, rows, metric->measure.width);
                                              }
                                            });
  References references;
  for (const auto& [metric, moments] : statistics) {
    references[metric].gaussian = fit(moments);
    if (skipped > 0) references[metric].flags.push_back("skipped-reference-images:" + std::to_string(skipped));
  }
  return references;
}

References make_references(const ScoreRequest& request, std::span<const OpenMetric> metrics, std::ostream& messages) {
  if (!request.reference) return {};
  if (std::filesystem::is_directory(*request.reference)) return references_from_folder(request, metrics, messages);
  References references;
  for (const OpenMetric& metric : metrics)
    if (metric.metric->needs_reference) references[&metric] = reference_from_file(request, metric);
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
        for (std::size_t m = 0; m < metrics.size(); ++m) append(rows[m], metrics[m], images, prompts);
      });

  std::vector<MetricScore> scores;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const auto& [metric, settings, measure] = metrics[m];
    const auto reference = references.find(&metrics[m]);
    const bool referred = reference != references.end();
    Score score = metric->aggregate(settings.protocol, rows[m], measure.width, groups,
                                    referred ? &reference->second.gaussian : nullptr);
    if (skipped > 0) score.flags.push_back("skipped-images:" + std::to_string(skipped));
    if (referred) score.flags.insert(score.flags.end(), reference->second.flags.begin(), reference->second.flags.end());
    scores.push_back({settings.name, settings.protocol, std::move(score)});
  }
  return scores;
}

void run_score(const ScoreRequest& request, std::ostream& out, std::ostream& messages) {
  const std::vector<MetricSettings> settings = metric_settings(request);
  const Compute compute{parse_device(request.device), at::kFloat};
  const c10::InferenceMode inference;
  std::vector<OpenMetric> metrics;
  for (const MetricSettings& one : settings) {
    const Metric& metric = find_metric(one.name);
    metrics.push_back({&metric, one, metric.open(one, compute)});
  }
  print_scores(score_images(request, metrics, messages), request.json, out);
}

}  // namespace fewstep
