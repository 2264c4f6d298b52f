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

constexpr Axis kStore = "store", kMetric = "metric", kSteps = "steps";
constexpr Axis kPosition = "cell";  // where no other axis tells cells apart
constexpr std::array<Axis, 3> kDefaultRows{"checkpoint", "sampler", "omega"};

// In the order in which they are tried for cells that share a place: steps, which are columns as a rule, last.
std::vector<Axis> axes_of_cells() {
  std::vector<Axis> axes{kStore};
  for (const CellAxis& axis : kCellAxes)
    if (axis.has(kAlongTables) && axis.name != kSteps) axes.push_back(axis.name);
  axes.push_back(kSteps);
  return axes;
}

bool is_of_cells(Axis axis) { return axis != kStore && axis != kPosition && axis != kMetric; }

// Where a cell lies along an axis: names in the order of the experiment (rank), numbers by size.
struct Coordinate {
  double order = 0;
  std::string label;
  bool operator<(const Coordinate& other) const { return std::tie(order, label) < std::tie(other.order, other.label); }
};
using Place = std::vector<Coordinate>;

class Coordinates {
 public:
  explicit Coordinates(const std::vector<StoredCell>& cells) : first_(cells.data()) {
    for (const StoredCell& cell : cells)
      for (const CellAxis& axis : kCellAxes)
        if (axis.has(kAlongTables))
          if (const CellValue value = axis.get(cell.key); std::holds_alternative<std::string>(value))
            ranks_.emplace(std::get<std::string>(value), static_cast<double>(ranks_.size()));
  }

  Coordinate at(Axis axis, const StoredCell& cell) const {
    if (axis == kStore) return {static_cast<double>(cell.arm), cell.arm_name};
    if (!is_of_cells(axis)) return {static_cast<double>(&cell - first_), std::to_string(&cell - first_)};
    const CellAxis& row = cell_axis(axis);
    const auto order = [this](const auto& value) -> double {
      if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>)
        return static_cast<double>(value);
      else
        return ranks_.at(value);
    };
    return {std::visit(order, row.get(cell.key)), table_entry(row, cell.key)};
  }

  std::string header(Axis axis) const {
    return std::string(is_of_cells(axis) && !cell_axis(axis).header.empty() ? cell_axis(axis).header : axis);
  }

  // What says it without a header.
  std::string phrase_at(Axis axis, const StoredCell& cell) const {
    if (is_of_cells(axis)) return phrase(cell_axis(axis), cell.key);
    return axis == kStore ? cell.arm_name : column_label(axis, cell);
  }

  // The label of a column names its axis, since columns have no header line.
  std::string column_label(Axis axis, const StoredCell& cell) const {
    if (is_of_cells(axis)) return column_title(cell_axis(axis), cell.key);
    return std::string(axis) + " " + at(axis, cell).label;
  }

 private:
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
  if (columns.empty() && !contains(rows, kSteps)) columns.push_back(kSteps);
  for (const Axis axis : kDefaultRows) {
    if (contains(rows, axis) || contains(columns, axis)) continue;
    if (!rows_given)
      rows.push_back(axis);
    else if (columns.empty() && varies(coordinates, cells, axis))
      columns.push_back(axis);
  }
  if (rows.empty()) rows.push_back(kSteps);
}

void check_named_once(const std::vector<Axis>& rows, const std::vector<Axis>& columns) {
  std::set<Axis> seen;
  for (const auto* axes : {&rows, &columns}) {
    for (const Axis axis : *axes) {
      if (seen.insert(axis).second) continue;
      throw usage_error("--rows/--columns", fmt::format("expected each axis once, got \"{}\" twice", axis));
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
    for (const Axis axis : axes_of_cells()) {
      const auto here = coordinates.at(axis, cell), there = coordinates.at(axis, *place->second);
      if (here < there || there < here) return axis;
    }
    return kPosition;
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

std::string join_labels(const Coordinates& coordinates, const std::vector<Axis>& axes, const StoredCell& cell) {
  std::string text;
  for (const Axis axis : axes) text += (text.empty() ? "" : ", ") + coordinates.column_label(axis, cell);
  return text;
}

}  // namespace

std::vector<Axis> parse_axes(std::string_view option, std::string_view text) {
  std::vector<Axis> known = axes_of_cells(), axes;
  known.push_back(kMetric);
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    axes.push_back(known[index_of_name(known, text.substr(0, comma), option)]);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return axes;
}

bool take_metric_axis(const std::vector<Axis>& rows, std::vector<Axis>& columns) {
  const bool first = !columns.empty() && columns.front() == kMetric;
  if (first) columns.erase(columns.begin());
  if (contains(rows, kMetric) || contains(columns, kMetric))
    throw usage_error("--rows/--columns", "expected metric as the first of --columns alone, got it elsewhere");
  return first;
}

std::vector<std::string> method_labels(const Arrangement& arrangement) {
  const auto shown = shown_axes(arrangement);
  std::vector<std::string> methods;
  for (std::size_t row = 0; row < arrangement.row_labels.size(); ++row) {
    const auto& labels = arrangement.row_labels[row];
    std::string& method = methods.emplace_back();
    for (std::size_t axis = 0; axis < shown.size(); ++axis) {
      if (!shown[axis]) continue;
      if (axis == 1 && shown[0] && labels[0] == labels[1]) continue;  // checkpoint "lcm" sampled by "lcm"
      method += (method.empty() ? "" : " · ") + arrangement.row_phrases[row][axis];
    }
  }
  return methods;
}

std::vector<std::string> constants_of(const Arrangement& arrangement) {
  const auto shown = shown_axes(arrangement);
  std::vector<std::string> constants;
  for (std::size_t axis = 0; axis < shown.size() && !arrangement.row_labels.empty(); ++axis)
    if (!shown[axis]) constants.push_back(arrangement.row_phrases.front()[axis]);
  return constants;
}

Arrangement arrange(const std::vector<StoredCell>& cells, std::vector<Axis> rows, std::vector<Axis> columns) {
  check_named_once(rows, columns);
  const Coordinates coordinates(cells);
  choose_defaults(coordinates, cells, rows, columns);
  while (const auto axis = missing_axis(coordinates, cells, rows, columns)) rows.push_back(*axis);

  std::map<Place, std::size_t> row_index, column_index;
  std::map<Place, std::string> column_label;
  std::map<Place, const StoredCell*> first_of_row;
  for (const StoredCell& cell : cells) {
    const Place row = place_of(coordinates, rows, cell);
    row_index.emplace(row, 0);
    first_of_row.emplace(row, &cell);
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
    auto& phrases = arrangement.row_phrases.emplace_back();
    for (const Axis axis : rows) phrases.push_back(coordinates.phrase_at(axis, *first_of_row.at(place)));
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
