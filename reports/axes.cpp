#include "reports/axes.h"

#include "core/error.h"
#include "core/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace fewstep {
namespace {

struct AxisName {
  std::string_view name;
  Axis axis;
};

constexpr std::array<AxisName, 8> kAxes{{{"store", Axis::kStore},
                                         {"checkpoint", Axis::kCheckpoint},
                                         {"sampler", Axis::kSampler},
                                         {"omega", Axis::kOmega},
                                         {"spacing", Axis::kSpacing},
                                         {"original_inference_steps", Axis::kOriginalInferenceSteps},
                                         {"steps", Axis::kSteps},
                                         {"metric", Axis::kMetric}}};
constexpr std::array kDefaultRows{Axis::kCheckpoint, Axis::kSampler, Axis::kOmega};

// Where a cell lies along an axis: names in the order of the experiment (rank), numbers by size.
struct Coordinate {
  double order = 0;
  std::string label;
  bool operator<(const Coordinate& other) const { return std::tie(order, label) < std::tie(other.order, other.label); }
};
using Place = std::vector<Coordinate>;

// ω, and guidance_scale = 1 + ω behind it: "7 (8)".
constexpr std::string_view kGuidanceHeader = "omega (scale)";

class Coordinates {
 public:
  explicit Coordinates(const std::vector<StoredCell>& cells) : first_(cells.data()) {
    for (const StoredCell& cell : cells)
      for (const std::string* name : {&cell.series.checkpoint_name, &cell.series.sampler, &cell.series.spacing})
        ranks_.emplace(*name, static_cast<double>(ranks_.size()));
  }

  Coordinate at(Axis axis, const StoredCell& cell) const {
    const SeriesKey& key = cell.series;
    switch (axis) {
      case Axis::kStore:
        return {static_cast<double>(cell.arm), cell.arm_name};
      case Axis::kCheckpoint:
        return named(key.checkpoint_name);
      case Axis::kSampler:
        return named(key.sampler);
      case Axis::kSpacing:
        return named(key.spacing);
      case Axis::kOmega:
        return {key.omega, fmt::format("{:.6g} ({:.6g})", key.omega, 1 + key.omega)};
      case Axis::kOriginalInferenceSteps:
        return {static_cast<double>(key.original_inference_steps),
                key.original_inference_steps == 0 ? "none" : std::to_string(key.original_inference_steps)};
      case Axis::kSteps:
        return {static_cast<double>(key.steps), std::to_string(key.steps)};
      case Axis::kPosition:
      case Axis::kMetric:  // which is none of cells (take_metric_axis)
        break;
    }
    return {static_cast<double>(&cell - first_), std::to_string(&cell - first_)};
  }

  std::string header(Axis axis) const {
    if (axis == Axis::kPosition) return "cell";
    if (axis == Axis::kOmega) return std::string(kGuidanceHeader);
    return std::string(std::find_if(kAxes.begin(), kAxes.end(), [&](auto& row) { return row.axis == axis; })->name);
  }

  // The label of a column names its axis, since columns have no header line.
  std::string column_label(Axis axis, const StoredCell& cell) const {
    const std::string label = at(axis, cell).label;
    switch (axis) {
      case Axis::kSteps:
        return cell.series.steps == 0 ? "steps not known" : label + (cell.series.steps == 1 ? " step" : " steps");
      case Axis::kCheckpoint:
      case Axis::kSampler:
      case Axis::kSpacing:
        return label;
      case Axis::kOmega:
        return "omega " + label;
      default:
        return header(axis) + " " + label;
    }
  }

 private:
  Coordinate named(const std::string& name) const { return {ranks_.at(name), name}; }

  const StoredCell* first_;
  std::map<std::string, double> ranks_;
};

Place place_of(const Coordinates& coordinates, const std::vector<Axis>& axes, const StoredCell& cell) {
  Place place;
  for (const Axis axis : axes) place.push_back(coordinates.at(axis, cell));
  return place;
}

bool contains(const std::vector<Axis>& axes, Axis axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

bool varies(const Coordinates& coordinates, const std::vector<StoredCell>& cells, Axis axis) {
  std::set<Coordinate> seen;
  for (const StoredCell& cell : cells) seen.insert(coordinates.at(axis, cell));
  return seen.size() > 1;
}

void choose_defaults(const Coordinates& coordinates, const std::vector<StoredCell>& cells, std::vector<Axis>& rows,
                     std::vector<Axis>& columns) {
  const bool rows_given = !rows.empty();
  if (columns.empty() && !contains(rows, Axis::kSteps)) columns.push_back(Axis::kSteps);
  for (const Axis axis : kDefaultRows) {
    if (contains(rows, axis) || contains(columns, axis)) continue;
    if (!rows_given)
      rows.push_back(axis);
    else if (columns.empty() && varies(coordinates, cells, axis))
      columns.push_back(axis);
  }
  if (rows.empty()) rows.push_back(Axis::kSteps);
}

void check_named_once(const std::vector<Axis>& rows, const std::vector<Axis>& columns) {
  std::set<Axis> seen;
  for (const auto* axes : {&rows, &columns}) {
    for (const Axis axis : *axes) {
      if (seen.insert(axis).second) continue;
      const auto name = std::find_if(kAxes.begin(), kAxes.end(), [&](auto& row) { return row.axis == axis; })->name;
      throw usage_error("--rows/--columns", fmt::format("expected each axis once, got \"{}\" twice", name));
    }
  }
}

// The axis that tells apart two cells that would share a place; nothing when every cell has its own.
std::optional<Axis> missing_axis(const Coordinates& coordinates, const std::vector<StoredCell>& cells,
                                 const std::vector<Axis>& rows, const std::vector<Axis>& columns) {
  std::map<std::pair<Place, Place>, const StoredCell*> taken;
  for (const StoredCell& cell : cells) {
    const auto [place, added] =
        taken.emplace(std::pair(place_of(coordinates, rows, cell), place_of(coordinates, columns, cell)), &cell);
    if (added) continue;
    for (const auto& [name, axis] : kAxes) {
      const auto here = coordinates.at(axis, cell), there = coordinates.at(axis, *place->second);
      if (here < there || there < here) return axis;
    }
    return Axis::kPosition;
  }
  return std::nullopt;
}

// Whether rows differ along each axis; checkpoint and sampler say what a method is where none do.
std::vector<bool> shown_axes(const Arrangement& arrangement) {
  std::vector<bool> shown;
  for (std::size_t axis = 0; axis < arrangement.row_headers.size(); ++axis) {
    std::set<std::string> seen;
    for (const auto& labels : arrangement.row_labels) seen.insert(labels[axis]);
    shown.push_back(seen.size() > 1);
  }
  if (std::find(shown.begin(), shown.end(), true) == shown.end() && shown.size() > 1) shown[0] = shown[1] = true;
  return shown;
}

// A label that says what it is of: "ω 7", "4 steps"; names stand for themselves.
std::string axis_text(const std::string& header, const std::string& label) {
  constexpr std::array<std::string_view, 4> kSelfTelling{"store", "checkpoint", "sampler", "spacing"};
  if (std::find(kSelfTelling.begin(), kSelfTelling.end(), header) != kSelfTelling.end()) return label;
  if (header == kGuidanceHeader) return "ω\u00a0" + label.substr(0, label.find(' '));
  if (header == "original_inference_steps") return "grid of " + label;
  if (header == "steps") return label + (label == "1" ? " step" : " steps");
  return header + " " + label;
}

std::string join_labels(const Coordinates& coordinates, const std::vector<Axis>& axes, const StoredCell& cell) {
  std::string text;
  for (const Axis axis : axes) text += (text.empty() ? "" : ", ") + coordinates.column_label(axis, cell);
  return text;
}

}  // namespace

std::vector<Axis> parse_axes(std::string_view option, std::string_view text) {
  std::vector<Axis> axes;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, comma);
    axes.push_back(find_by_name(kAxes, name, option).axis);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return axes;
}

bool take_metric_axis(const std::vector<Axis>& rows, std::vector<Axis>& columns) {
  const bool first = !columns.empty() && columns.front() == Axis::kMetric;
  if (first) columns.erase(columns.begin());
  if (contains(rows, Axis::kMetric) || contains(columns, Axis::kMetric))
    throw usage_error("--rows/--columns", "expected metric as the first of --columns alone, got it elsewhere");
  return first;
}

std::vector<std::string> method_labels(const Arrangement& arrangement) {
  const auto shown = shown_axes(arrangement);
  std::vector<std::string> methods;
  for (const auto& labels : arrangement.row_labels) {
    std::string& method = methods.emplace_back();
    for (std::size_t axis = 0; axis < shown.size(); ++axis) {
      if (!shown[axis]) continue;
      if (axis == 1 && shown[0] && labels[0] == labels[1]) continue;  // checkpoint "lcm" sampled by "lcm"
      method += (method.empty() ? "" : " · ") + axis_text(arrangement.row_headers[axis], labels[axis]);
    }
  }
  return methods;
}

std::vector<std::string> constants_of(const Arrangement& arrangement) {
  const auto shown = shown_axes(arrangement);
  std::vector<std::string> constants;
  for (std::size_t axis = 0; axis < shown.size() && !arrangement.row_labels.empty(); ++axis)
    if (!shown[axis])
      constants.push_back(axis_text(arrangement.row_headers[axis], arrangement.row_labels.front()[axis]));
  return constants;
}

Arrangement arrange(const std::vector<StoredCell>& cells, std::vector<Axis> rows, std::vector<Axis> columns) {
  check_named_once(rows, columns);
  const Coordinates coordinates(cells);
  choose_defaults(coordinates, cells, rows, columns);
  while (const auto axis = missing_axis(coordinates, cells, rows, columns)) rows.push_back(*axis);

  std::map<Place, std::size_t> row_index, column_index;
  std::map<Place, std::string> column_label;
  for (const StoredCell& cell : cells) {
    row_index.emplace(place_of(coordinates, rows, cell), 0);
    const Place column = place_of(coordinates, columns, cell);
    column_index.emplace(column, 0);
    column_label.emplace(column, join_labels(coordinates, columns, cell));
  }
  Arrangement arrangement;
  for (const Axis axis : rows) arrangement.row_headers.push_back(coordinates.header(axis));
  for (auto& [place, index] : row_index) {
    index = arrangement.row_labels.size();
    auto& labels = arrangement.row_labels.emplace_back();
    for (const Coordinate& coordinate : place) labels.push_back(coordinate.label);
  }
  for (auto& [place, index] : column_index) {
    index = arrangement.column_headers.size();
    arrangement.column_headers.push_back(column_label.at(place).empty() ? "value" : column_label.at(place));
  }
  arrangement.cells.assign(row_index.size(), std::vector<const StoredCell*>(column_index.size(), nullptr));
  for (const StoredCell& cell : cells) {
    const std::size_t row = row_index.at(place_of(coordinates, rows, cell));
    arrangement.cells[row][column_index.at(place_of(coordinates, columns, cell))] = &cell;
  }
  return arrangement;
}

}  // namespace fewstep
