#include "reports/scores.h"

#include "metrics/catalog.h"
#include "reports/flags.h"
#include "reports/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fewstep {
namespace {

auto fields(const MetricKey& metric, const std::string& reference) {
  return std::tie(metric.name, metric.protocol, metric.model_hash, metric.version, reference);
}

}  // namespace

bool ScoreKey::operator<(const ScoreKey& other) const {
  return fields(metric, reference_hash) < fields(other.metric, other.reference_hash);
}

std::vector<ScoreKey> score_keys(const std::vector<StoredCell>& cells) {
  std::vector<ScoreKey> keys;
  for (const StoredCell& cell : cells) {
    for (const StoredScore& score : cell.scores) {
      const ScoreKey key{score.metric, score.reference_hash};
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

const StoredScore* find_score(const StoredCell& cell, const ScoreKey& key) {
  if (cell.state != CellState::kComplete) return nullptr;
  const auto found = std::find_if(cell.scores.begin(), cell.scores.end(), [&](const StoredScore& score) {
    return fields(score.metric, score.reference_hash) == fields(key.metric, key.reference_hash);
  });
  return found == cell.scores.end() ? nullptr : &*found;
}

bool at_equal_n(const StoredScore& a, const StoredScore& b) {
  const auto biased = [](const StoredScore& score) {
    return std::ranges::count(score.score.flags, FlagKind::kBiasedUpward, &Flag::kind) > 0;
  };
  return a.score.count == b.score.count || (!biased(a) && !biased(b));
}

bool at_equal_n(const std::vector<StoredCell>& cells, const ScoreKey& key) {
  const StoredScore* first = nullptr;
  for (const StoredCell& cell : cells) {
    const StoredScore* score = find_score(cell, key);
    if (!score) continue;
    if (!first) first = score;
    if (!at_equal_n(*first, *score)) return false;
  }
  return true;
}

std::string metric_title(std::string_view name) {
  for (const MetricInfo& metric : kMetrics)
    if (metric.name == name) return std::string(metric.title);
  return std::string(name);
}

std::string protocol_title(const MetricKey& metric) {
  std::string title = metric_title(metric.name);
  const std::string protocol = "(" + metric.protocol + ")";
  return title.ends_with(protocol) ? title : title + " " + protocol;
}

std::string score_title(const ScoreKey& key, const std::vector<ScoreKey>& all) {
  std::string title = fmt::format("{} {}", protocol_title(key.metric), key.metric.higher_is_better ? "↑" : "↓");
  const auto same_title = [&](const ScoreKey& other) {
    return other.metric.name == key.metric.name && other.metric.protocol == key.metric.protocol;
  };
  if (std::count_if(all.begin(), all.end(), same_title) > 1) {
    title += fmt::format(", version {}, model {}, reference {}", key.metric.version, short_hash(key.metric.model_hash),
                         short_hash(key.reference_hash));
  }
  return title;
}

bool made_elsewhere(const StoredCell& cell) { return cell.key.checkpoint_kind == kElsewhere; }

std::string state_text(const StoredCell& cell) {
  const std::string images = fmt::format("{}/{}", cell.stored_images, cell.expected_images);
  switch (cell.state) {
    case CellState::kPlanned:
      return "not run";
    case CellState::kRunning:
      return "running " + images;
    case CellState::kIncomplete:
      return cell.stored_images < cell.expected_images ? "incomplete " + images : "not scored or timed to its end";
    case CellState::kComplete:
      return "complete";
    case CellState::kFailed:
      return "failed";
    case CellState::kStale:
      return "stale";
  }
  return "";
}

}  // namespace fewstep
