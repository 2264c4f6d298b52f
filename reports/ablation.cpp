#include "reports/ablation.h"

#include "core/error.h"
#include "core/names.h"
#include "reports/bold.h"
#include "reports/number_text.h"
#include "reports/provenance.h"
#include "reports/scores.h"
#include "reports/training_figures.h"
#include "store/trained_for.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace fewstep {
namespace {

struct AxisInfo {
  std::string_view name, title, prefix;
};
constexpr std::array<AxisInfo, 3> kAblationAxes{{{kAblationAxisNames[0], "skip step k", "k "},
                                                 {kAblationAxisNames[1], "guidance scale ω", "ω "},
                                                 {kAblationAxisNames[2], "LCM's original steps", ""}}};

class Ablation {
 public:
  Ablation(Store& store, const StoredTable& table, const AxisInfo& axis) : store_(store), table_(table), axis_(axis) {
    for (const TrainingRecord& record : read_trainings(store)) trained_[record.checkpoint_sha256] = trained_for(record);
    for (const StoredCheckpoint& checkpoint : table.checkpoints)
      if (const auto kept = kept_at(checkpoint)) kept_[checkpoint.sha256] = *kept;
    for (const StoredCell& cell : table.cells) {
      const auto value = value_of(cell);
      if (!value) continue;
      rows_[label_of(cell)][*value] = &cell;
      values_.insert(*value);
    }
    if (values_.empty())
      throw usage_error("--ablation", fmt::format("expected cells with a {}, found none", axis.title));
  }

  View view(const std::optional<Published>& published) {
    View view;
    Document& document = view.document;
    document.title = fmt::format("{}: over {}", table_.run.experiment, axis_.title);
    document.row_headers = {"setting"};
    for (const auto& [label, cells] : rows_) document.row_labels.push_back({label});
    for (const double value : values_) document.column_headers.push_back(fmt::format("{}{:.6g}", axis_.prefix, value));
    const auto keys = score_keys(table_.cells);
    std::vector<std::string> metrics;
    for (const ScoreKey& key : keys) {
      document.sections.push_back(section_of(key, keys));
      metrics.push_back(key.metric.name);
      view.figures.push_back(figure_of(key, keys));
      if (published && published->axis == axis_.name) add_published(view.figures.back(), *published, key.metric.name);
    }
    document.provenance = provenance_lines(table_);
    if (!published) return view;
    if (published->axis != axis_.name)
      throw usage_error("--published", fmt::format("expected numbers over {}, got those of {} over {}", axis_.name,
                                                   published->name, published->axis));
    add_published(document, *published, {values_.begin(), values_.end()}, metrics);
    return view;
  }

 private:
  std::optional<double> value_of(const StoredCell& cell) const {
    if (axis_.name == "omega") return cell.series.omega;
    if (axis_.name == "original_inference_steps")
      return cell.series.original_inference_steps > 0 ? std::optional<double>(cell.series.original_inference_steps)
                                                      : std::nullopt;
    const auto found = trained_.find(cell.series.checkpoint_sha256);
    if (found == trained_.end() || !found->second.skip_step) return {};
    return *found->second.skip_step;
  }

  // What tells a row apart: all but the axis.
  std::string label_of(const StoredCell& cell) const {
    const SeriesKey& key = cell.series;
    std::string label =
        axis_.name == "skip_step" || key.checkpoint_name == key.sampler ? "" : key.checkpoint_name + " · ";
    label += fmt::format("{} · {} step{}", key.sampler, key.steps, key.steps == 1 ? "" : "s");
    if (axis_.name != "omega") label += fmt::format(" · ω {:.6g}", key.omega);
    if (axis_.name != "original_inference_steps" && key.original_inference_steps > 0)
      label += fmt::format(" · grid of {}", key.original_inference_steps);
    const auto kept = kept_.find(key.checkpoint_sha256);
    if (axis_.name == "skip_step" && kept != kept_.end())
      label += fmt::format(" · {} iterations", kept->second.iterations);
    return label;
  }

  Section section_of(const ScoreKey& key, const std::vector<ScoreKey>& keys) {
    Section section{score_title(key, keys), {}, {}};
    ScoreDifferences differences(store_of(store_), key);
    for (const auto& [label, cells] : rows_) {
      std::vector<Entry> entries;
      std::vector<std::optional<Candidate>> candidates;
      for (const double value : values_) {
        const auto found = cells.find(value);
        const StoredScore* score = found == cells.end() ? nullptr : find_score(*found->second, key);
        const bool finite = score && std::isfinite(score->score.value);
        entries.push_back({score                  ? score_text(score->score)
                           : found == cells.end() ? "–"
                                                  : state_text(*found->second),
                           false, finite ? std::optional(score->score.value) : std::nullopt});
        candidates.push_back(finite ? std::optional(Candidate{found->second, score->score.value}) : std::nullopt);
      }
      const auto bold = choose_bold(candidates, key.metric.higher_is_better, by_pairs(differences));
      for (std::size_t i = 0; i < bold.size(); ++i) entries[i].best = bold[i];
      section.entries.push_back(std::move(entries));
    }
    return section;
  }

  Figure figure_of(const ScoreKey& key, const std::vector<ScoreKey>& keys) const {
    Figure figure;
    figure.title = score_title(key, keys) + " against " + std::string(axis_.title);
    figure.x = {std::string(axis_.title), axis_.name != "omega", {values_.begin(), values_.end()}};
    figure.y = {score_title(key, keys), false, {}};
    for (const auto& [label, cells] : rows_) {
      FigureLine line{label, figure.lines.size(), {}};
      for (const auto& [value, cell] : cells) {
        const StoredScore* score = find_score(*cell, key);
        if (!score || !std::isfinite(score->score.value)) continue;
        FigurePoint point{value,
                          score->score.value,
                          {},
                          {},
                          fmt::format("{}, {}{:.6g}: {}", label, axis_.prefix, value, score_text(score->score))};
        if (std::isfinite(score->score.standard_error))
          point.y_range = {point.y - score->score.standard_error, point.y + score->score.standard_error};
        line.points.push_back(std::move(point));
      }
      if (!line.points.empty()) figure.lines.push_back(std::move(line));
    }
    return figure;
  }

  Store& store_;
  const StoredTable& table_;
  const AxisInfo& axis_;
  std::map<std::string, TrainedFor> trained_;  // by hash
  std::map<std::string, KeptAt> kept_;
  std::map<std::string, std::map<double, const StoredCell*>> rows_;
  std::set<double> values_;
};

}  // namespace

View ablation_of(Store& store, const StoredTable& table, const std::string& axis,
                 const std::optional<Published>& published) {
  return Ablation(store, table, find_by_name(kAblationAxes, axis, "--ablation")).view(published);
}

}  // namespace fewstep
