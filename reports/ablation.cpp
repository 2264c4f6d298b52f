#include "reports/ablation.h"

#include "core/error.h"
#include "core/grouped.h"
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
#include <compare>
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

// What tells rows apart, as numbers where they are numbers: rows are in this order.
struct RowKey {
  std::string checkpoint, sampler;  // no checkpoint where the axis runs over checkpoints
  std::int64_t iterations = 0;
  double omega = 0;
  int original = 0;  // points of an LCM's grid
  bool own_grid = false;
  int steps = 0;
  CellKey fine;  // what else tells cells apart
  auto operator<=>(const RowKey&) const = default;
};

// The part of a label for each member but fine, which fine says; empty where it says nothing.
std::vector<std::string> parts_of(const RowKey& key, std::string_view axis, std::string fine) {
  const auto part = [](bool there, std::string text) { return there ? text : std::string(); };
  return {part(key.checkpoint != key.sampler, key.checkpoint),
          key.sampler,
          fmt::format("{} step{}", key.steps, key.steps == 1 ? "" : "s"),
          part(key.iterations > 0, fmt::format("{} iterations", key.iterations)),
          part(axis != "omega", fmt::format("ω {:.6g}", key.omega)),
          key.own_grid ? "own grid" : part(key.original > 0, fmt::format("grid of {}", key.original)),
          std::move(fine)};
}

class Ablation {
 public:
  Ablation(Store& store, const StoredTable& table, const AxisInfo& axis) : store_(store), table_(table), axis_(axis) {
    for (const TrainingRecord& record : read_trainings(store)) trained_[record.checkpoint_sha256] = trained_for(record);
    for (const StoredCheckpoint& checkpoint : table.checkpoints)
      if (const auto kept = kept_at(checkpoint)) kept_[checkpoint.sha256] = *kept;
    for (const StoredCell& cell : table.cells) {
      const auto value = value_of(cell);
      if (!value) continue;
      for (const RowKey& key : keys_of(cell)) rows_[key][*value] = &cell;
      values_.insert(*value);
    }
    // A grid that is one k's own, and no other's, is in the line of own grids.
    std::erase_if(rows_, [&](const auto& row) {
      return !row.first.own_grid && row.second.size() == 1 && keys_of(*row.second.begin()->second).size() > 1;
    });
    if (values_.empty())
      throw usage_error("--ablation", fmt::format("expected cells with a {}, found none", axis.title));
    name_rows();
  }

  View view(const std::optional<Published>& published) {
    View view;
    Document& document = view.document;
    document.title =
        fmt::format("{}: over {}{}", table_.run.experiment, axis_.title, common_.empty() ? "" : " (" + common_ + ")");
    document.experiment = table_.run.experiment;
    if (!common_.empty()) document.constants = {common_};
    document.row_headers = {"setting"};
    for (const std::string& label : labels_) document.row_labels.push_back({label});
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
    if (axis_.name == "omega") return cell.key.omega;
    if (axis_.name == "original_inference_steps")
      return cell.key.original_inference_steps > 0 ? std::optional<double>(cell.key.original_inference_steps)
                                                   : std::nullopt;
    const auto found = trained_.find(cell.key.checkpoint_sha256);
    if (found == trained_.end() || !found->second.skip_step) return {};
    return *found->second.skip_step;
  }

  // The rows of a cell: over skip steps, its grid may be its own, 1000/k, and one that others share.
  std::vector<RowKey> keys_of(const StoredCell& cell) const {
    const CellKey& series = cell.key;
    RowKey key;
    key.sampler = series.sampler;
    key.steps = series.steps;
    key.fine = part_of(series, kFine);
    key.fine.original_inference_steps = 0;
    if (axis_.name != "omega") key.omega = series.omega;
    if (axis_.name != "original_inference_steps") key.original = series.original_inference_steps;
    if (axis_.name != "skip_step") {
      key.checkpoint = series.checkpoint_name;
      return {key};
    }
    if (const auto kept = kept_.find(series.checkpoint_sha256); kept != kept_.end())
      key.iterations = kept->second.iterations;
    constexpr double kTrainingTimes = 1000;
    if (key.original == 0 || key.original != static_cast<int>(kTrainingTimes / *value_of(cell))) return {key};
    RowKey own = key;
    own.original = 0;
    own.own_grid = true;
    return {own, key};
  }

  // The title names what all rows have.
  void name_rows() {
    std::vector<std::vector<std::string>> parts;
    std::map<RowKey, std::vector<CellKey>> alike;  // of rows that are equal in all but fine
    const auto without_fine = [](RowKey key) {
      key.fine = {};
      return key;
    };
    for (const auto& [key, cells] : rows_) alike[without_fine(key)].push_back(key.fine);
    for (const auto& [key, cells] : rows_) {
      std::string fine;
      for (const CellAxis* axis : differing_axes(alike.at(without_fine(key)), kFine))
        fine += (fine.empty() ? "" : " · ") + phrase(*axis, key.fine);
      parts.push_back(parts_of(key, axis_.name, std::move(fine)));
    }
    labels_.assign(parts.size(), "");
    for (std::size_t part = 0; part < parts.front().size(); ++part) {
      const bool same = std::ranges::all_of(parts, [&](const auto& row) { return row[part] == parts.front()[part]; });
      const auto add = [&](std::string& text, const std::string& one) {
        if (!one.empty()) text += (text.empty() ? "" : " · ") + one;
      };
      if (same && parts.size() > 1) {
        add(common_, parts.front()[part]);
      } else {
        for (std::size_t row = 0; row < parts.size(); ++row) add(labels_[row], parts[row][part]);
      }
    }
  }

  Section section_of(const ScoreKey& key, const std::vector<ScoreKey>& keys) {
    Section section{score_title(key, keys), {}, {}};
    section.images = images_text(key);
    ScoreDifferences differences(store_of(store_), key);
    for (const auto& [row, cells] : rows_) {
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
        if (finite && std::isfinite(score->score.standard_error)) entries.back().error = score->score.standard_error;
        candidates.push_back(finite ? std::optional(Candidate{found->second, score->score.value}) : std::nullopt);
      }
      const auto bold = choose_bold(candidates, key.metric.higher_is_better, by_pairs(differences));
      for (std::size_t i = 0; i < bold.size(); ++i) entries[i].best = bold[i];
      section.entries.push_back(std::move(entries));
    }
    return section;
  }

  // Behind each score; empty where they differ.
  std::string images_text(const ScoreKey& key) const {
    std::set<std::int64_t> counts;
    for (const auto& [row, cells] : rows_)
      for (const auto& [value, cell] : cells)
        if (const StoredScore* score = find_score(*cell, key)) counts.insert(score->score.count);
    return counts.size() == 1 ? grouped(*counts.begin()) + " images" : "";
  }

  Figure figure_of(const ScoreKey& key, const std::vector<ScoreKey>& keys) const {
    Figure figure;
    figure.title = score_title(key, keys) + " against " + std::string(axis_.title);
    figure.x = {std::string(axis_.title), axis_.name != "omega", {values_.begin(), values_.end()}};
    figure.y = {score_title(key, keys), false, {}};
    std::size_t row = 0;
    for (const auto& [key_of_row, cells] : rows_) {
      const std::string& label = labels_[row++];
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
  std::map<RowKey, std::map<double, const StoredCell*>> rows_;
  std::vector<std::string> labels_;  // of rows_, without what is common to all
  std::string common_;
  std::set<double> values_;
};

}  // namespace

View ablation_of(Store& store, const StoredTable& table, const std::string& axis,
                 const std::optional<Published>& published) {
  return Ablation(store, table, find_by_name(kAblationAxes, axis, "--ablation")).view(published);
}

}  // namespace fewstep
