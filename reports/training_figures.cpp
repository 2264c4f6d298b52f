#include "reports/training_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace fewstep {
namespace {

constexpr std::size_t kMaxPoints = 100;

// The points of one phase, as means of windows of equal length.
std::vector<FigurePoint> windows_of(const std::vector<const LossPoint*>& losses, const std::string& label) {
  std::vector<FigurePoint> points;
  const std::size_t width = (losses.size() + kMaxPoints - 1) / kMaxPoints;
  for (std::size_t begin = 0; begin < losses.size(); begin += width) {
    const std::size_t end = std::min(begin + width, losses.size());
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += losses[i]->loss;
    const double mean = sum / static_cast<double>(end - begin);
    if (!(mean > 0) || !std::isfinite(mean)) continue;  // which a logarithmic axis cannot show
    const auto step = losses[end - 1]->step;
    points.push_back({static_cast<double>(step), mean, {}, {}, fmt::format("{}, step {}: {:.4g}", label, step, mean)});
  }
  return points;
}

const TrainingRecord* record_of(const std::vector<TrainingRecord>& trainings, const std::string& sha256) {
  const auto found = std::find_if(trainings.begin(), trainings.end(),
                                  [&](const TrainingRecord& one) { return one.checkpoint_sha256 == sha256; });
  return found == trainings.end() ? nullptr : &*found;
}

}  // namespace

std::optional<KeptAt> kept_at(const StoredCheckpoint& checkpoint) {
  constexpr std::string_view kMark = "-at-";
  const std::string folder = std::filesystem::path(checkpoint.path).filename().string();
  const auto mark = folder.rfind(kMark);
  if (mark == std::string::npos) return std::nullopt;
  const std::string digits = folder.substr(mark + kMark.size());
  KeptAt kept{checkpoint.name};
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), kept.iterations);
  if (failure != std::errc() || end != digits.data() + digits.size() || kept.iterations <= 0) return std::nullopt;
  if (const std::string ending = "-" + digits; kept.training.size() > ending.size() && kept.training.ends_with(ending))
    kept.training.resize(kept.training.size() - ending.size());
  return kept;
}

std::optional<Figure> loss_figure(const std::vector<TrainingRecord>& trainings,
                                  const std::vector<StoredCheckpoint>& checkpoints) {
  // One training may leave several checkpoints; the last has the whole curve.
  std::map<std::pair<std::string, std::string>, std::size_t> place;
  std::vector<std::pair<std::string, const TrainingRecord*>> longest;
  for (const StoredCheckpoint& checkpoint : checkpoints) {
    const TrainingRecord* record = record_of(trainings, checkpoint.sha256);
    if (!record || record->losses.empty()) continue;
    const auto kept = kept_at(checkpoint);
    const auto [found, added] = place.emplace(std::pair(record->recipe, record->parents), longest.size());
    if (added) longest.emplace_back(kept ? kept->training : checkpoint.name, record);
    auto& best = longest[found->second].second;
    if (record->losses.size() > best->losses.size()) best = record;
  }
  Figure figure;
  figure.title = "Training loss against steps";
  figure.x = {"training step of the phase", false, {}};
  figure.y = {"loss, mean of a window ↓", true, {}};
  for (const auto& [name, record] : longest) {
    std::vector<std::string> order;
    std::map<std::string, std::vector<const LossPoint*>> phases;
    for (const LossPoint& loss : record->losses) {
      if (!phases.contains(loss.phase)) order.push_back(loss.phase);
      phases[loss.phase].push_back(&loss);
    }
    for (const std::string& phase : order) {
      const std::string label = order.size() > 1 ? name + " · " + phase : name;
      FigureLine line{label, figure.lines.size(), windows_of(phases[phase], label)};
      if (!line.points.empty()) figure.lines.push_back(std::move(line));
    }
  }
  if (figure.lines.empty()) return std::nullopt;
  return figure;
}

}  // namespace fewstep
