#include "harness/score/score.h"

#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "datasets/captions.h"
#include "datasets/pairing.h"
#include "harness/score/image_batches.h"
#include "harness/score/reference_cache.h"
#include "harness/score/reference_images.h"
#include "harness/score/score_arm.h"
#include "harness/score/score_parts.h"
#include "images/files.h"
#include "metrics/reference.h"
#include "settings/weights.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <ostream>
#include <utility>

namespace fewstep {
namespace {

std::string_view rows_of(std::string_view metric) { return find_metric(metric).rows_of; }

MetricSettings parse(const std::string& spec, const ScoreRequest& request) {
  const auto colon = spec.find(':');
  MetricSettings settings;
  settings.name = spec.substr(0, colon);
  if (colon != std::string::npos) {
    settings.protocol = spec.substr(colon + 1);
    if (settings.protocol.empty()) throw usage_error("--metric", "expected NAME:PROTOCOL, got \"" + spec + "\"");
  }
  const auto named = request.networks.find(rows_of(settings.name));
  settings.network = network_or_refusal(settings.name, find_metric(settings.name).network,
                                        named == request.networks.end() ? "" : named->second);
  return settings;
}

void require_use(bool given, bool used, std::string_view option, std::string_view user) {
  if (given && !used)
    throw usage_error(option, "expected a metric that uses it (--metric " + std::string(user) + "), got none");
}

using References = std::vector<std::optional<Reference>>;  // of each metric

References make_references(const ScoreRequest& request, std::span<const OpenMetric> metrics, std::ostream& messages) {
  References references(metrics.size());
  if (!request.reference) return references;
  std::vector<const OpenMetric*> users;
  for (const OpenMetric& metric : metrics)
    if (metric.metric->needs_reference) users.push_back(&metric);
  if (users.empty()) return references;
  if (!std::filesystem::is_directory(*request.reference)) {
    for (const OpenMetric* user : users)
      references[user - metrics.data()] = reference_from_file(*request.reference, *user, request.assume_protocol);
    return references;
  }
  images_for(*request.reference, users);  // every metric has to count the same images
  for (const OpenMetric* user : users)
    references[user - metrics.data()] =
        reference_from_folder(*request.reference, *user, references_folder({}), request.batch, request.max_left_out,
                              request.verify ? KnownFolders::kVerify : KnownFolders::kTake, messages);
  return references;
}

nlohmann::ordered_json as_json(std::span<const MetricScore> scores) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [metric, protocol, score] : scores) {
    list.push_back({{"metric", metric},
                    {"protocol", protocol},
                    {"value", score.value},  // NaN becomes null
                    {"standard_error", score.standard_error},
                    {"images", score.count},
                    {"flags", words_of(score.flags)}});
  }
  return {{"scores", list}};
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-"; }

using Line = std::array<std::string, 6>;

// Those whose networks are named, else FID and CLIP score; of them what the reference and the captions are for.
std::vector<std::string> usual_metrics(const ScoreRequest& request) {
  std::vector<std::string> names;
  for (const MetricInfo& metric : kMetrics) {
    const bool named =
        request.networks.empty() ? !metric.network.published.empty() : request.networks.contains(metric.name);
    if (metric.rows_of == metric.name && named &&
        (metric.needs_prompts ? request.prompts.has_value() : request.reference.has_value()))
      names.emplace_back(metric.name);
  }
  return names;
}

}  // namespace

std::vector<MetricSettings> metric_settings(const ScoreRequest& request) {
  const std::vector<std::string> specs = request.metrics.empty() ? usual_metrics(request) : request.metrics;
  if (specs.empty())
    throw usage_error("--metric", "expected a reference (for fid), --prompts (for clip-score) or a metric by name");
  std::vector<MetricSettings> all;
  for (const std::string& spec : specs) {
    const Metric& metric = find_metric(spec.substr(0, spec.find(':')));
    const MetricSettings settings = resolve(parse(spec, request));
    if (metric.needs_reference && !request.reference)
      throw usage_error("--metric " + spec, "expected --reference with a folder of images or statistics (.npz)");
    if (metric.needs_prompts && !request.prompts)
      throw usage_error("--metric " + spec, "expected --prompts with a caption for each image");
    const auto same = [&](const MetricSettings& other) {
      return other.name == settings.name && other.protocol == settings.protocol;
    };
    if (std::any_of(all.begin(), all.end(), same))
      throw usage_error("--metric " + spec, "expected it once, got it twice");
    all.push_back(settings);
  }
  const auto any = [&](auto property) { return std::any_of(all.begin(), all.end(), property); };
  require_use(request.reference.has_value(), any([](auto& s) { return find_metric(s.name).needs_reference; }),
              "--reference", kMetrics[0].name);
  for (const MetricInfo& metric : kMetrics)
    require_use(request.networks.contains(metric.name), any([&](auto& s) { return rows_of(s.name) == metric.name; }),
                metric.network.option, metric.name);
  return all;
}

void print_scores(std::span<const MetricScore> scores, bool json, std::ostream& out) {
  if (json) {
    out << as_json(scores).dump(2) << "\n";
    return;
  }
  std::vector<Line> lines = {{"metric", "protocol", "value", "standard error", "images", "flags"}};
  for (const auto& [metric, protocol, score] : scores) {
    lines.push_back({metric, protocol, number(score.value), number(score.standard_error), std::to_string(score.count),
                     fmt::format("{}", fmt::join(words_of(score.flags), " "))});
  }
  std::array<std::size_t, 6> widths{};
  for (const Line& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const Line& line : lines) {
    std::string text = fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>{}}  {:>{}}  {}", line[0], widths[0], line[1], widths[1],
                                   line[2], widths[2], line[3], widths[3], line[4], widths[4], line[5]);
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
}

std::vector<MetricScore> score_images(const ScoreRequest& request, std::span<const OpenMetric> metrics,
                                      std::ostream& messages) {
  std::vector<const OpenMetric*> all;
  for (const OpenMetric& metric : metrics) all.push_back(&metric);
  const ImageList list = images_for(request.images, all);
  const std::vector<std::filesystem::path>& files = list.files;
  messages << "scored: " << text_of(list, request.images) << std::endl;
  const Captions captions = read_captions(request, files, messages);
  const References references = make_references(request, metrics, messages);

  const auto sources = row_sources(metrics);
  std::vector<std::vector<float>> rows(metrics.size());
  std::vector<std::int64_t> groups;
  const auto skipped =
      for_each_image_batch(files, {request.batch, request.max_left_out}, messages, [&](auto images, auto indices) {
        std::vector<std::string> prompts;
        for (const std::size_t i : indices) {
          groups.push_back(captions.groups[i]);
          if (!captions.texts.empty()) prompts.push_back(captions.texts[i]);
        }
        for (std::size_t m = 0; m < metrics.size(); ++m) {
          if (sources[m] != m) continue;
          const std::vector<float> batch = metrics[m].measure.rows(images, prompts);
          rows[m].insert(rows[m].end(), batch.begin(), batch.end());
        }
      });

  std::vector<MetricScore> scores;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const auto& [metric, settings, measure] = metrics[m];
    const std::optional<Reference>& reference = references[m];
    Score score = metric
                      ->aggregate(settings.protocol, rows[sources[m]], measure.width, groups,
                                  reference ? &reference->data : nullptr)
                      .score;
    if (skipped > 0) score.flags.emplace_back(FlagKind::kSkippedImages, skipped);
    if (reference) score.flags.insert(score.flags.end(), reference->flags.begin(), reference->flags.end());
    scores.push_back({settings.name, settings.protocol, std::move(score)});
  }
  return scores;
}

void run_score(const ScoreRequest& request, std::ostream& out, std::ostream& messages) {
  const Compute compute{parse_device(request.device), at::kFloat};
  const auto settings = in_precision(metric_settings(request), request.metric_precision, compute.device);
  const c10::InferenceMode inference;
  const std::vector<OpenMetric> metrics = open_metrics(settings, compute);
  print_scores(request.store.empty() ? score_images(request, metrics, messages)
                                     : score_arm(request, metrics, compute.device, messages),
               request.json, out);
}

}  // namespace fewstep
