#include "core/cell_key.h"

#include "core/error.h"
#include "core/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace cell_axes {

// Consistency models alone have original steps, and 50 of them as a rule.
bool is_usual_spacing(const CellKey& key) {
  return key.spacing == kElsewhere ||
         key.spacing == name_of(key.original_inference_steps > 0 ? Spacing::kLcm : Spacing::kTrailing);
}
bool is_usual_original(const CellKey& key) {
  return key.original_inference_steps == 0 || key.original_inference_steps == 50;
}

std::string steps_phrase(const CellKey& key) {
  return key.steps == 0 ? "steps not known" : fmt::format("{} step{}", key.steps, key.steps == 1 ? "" : "s");
}
std::string omega_phrase(const CellKey& key) { return fmt::format("ω\u00a0{:.6g}", key.omega); }
std::string original_entry(const CellKey& key) {
  return key.original_inference_steps == 0 ? "none" : std::to_string(key.original_inference_steps);
}
std::string omega_entry(const CellKey& key) { return fmt::format("{:.6g} ({:.6g})", key.omega, 1 + key.omega); }

}  // namespace cell_axes

const CellAxis& cell_axis(std::string_view name) { return find_by_name(kCellAxes, name, "axis of cells"); }

CellKey part_of(const CellKey& key, unsigned use) {
  CellKey part;
  for (const CellAxis& axis : kCellAxes)
    if (axis.has(use) && axis.set) axis.set(part, axis.get(key));
  return part;
}

std::vector<const CellAxis*> differing_axes(std::span<const CellKey> keys, unsigned use) {
  std::vector<const CellAxis*> differing;
  for (const CellAxis& axis : kCellAxes) {
    const auto differs = [&](const CellKey& key) { return axis.get(key) != axis.get(keys.front()); };
    if (axis.has(use) && std::any_of(keys.begin(), keys.end(), differs)) differing.push_back(&axis);
  }
  return differing;
}

bool is_default(const CellAxis& axis, const CellKey& key) { return axis.get(key) == axis.get(CellKey{}); }

std::string value_text(const CellAxis& axis, const CellKey& key, int precision) {
  const CellValue value = axis.get(key);
  if (axis.has(kZeroIsNone) && is_default(axis, key)) return "";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{:.{}g}", *number, precision);
  return std::visit([](const auto& one) { return fmt::format("{}", one); }, value);
}

std::string phrase(const CellAxis& axis, const CellKey& key) {
  if (axis.phrase) return axis.phrase(key);
  const std::string value = value_text(axis, key);
  return std::holds_alternative<std::string>(axis.get(key)) ? value : std::string(axis.name) + " " + value;
}

std::string column_title(const CellAxis& axis, const CellKey& key) {
  return axis.column ? axis.column(key) : phrase(axis, key);
}

std::string table_entry(const CellAxis& axis, const CellKey& key) {
  return axis.entry ? axis.entry(key) : value_text(axis, key);
}

std::string cell_label(const CellKey& key) {
  std::string label;
  for (const CellAxis& axis : kCellAxes) {
    if (!axis.has(kClause) || (axis.is_usual ? axis.is_usual(key) : is_default(axis, key))) continue;
    label += fmt::format("{}{}={}", label.empty() ? "" : " ", axis.name, value_text(axis, key, 12));
  }
  return label;
}

std::string later_axes_text(const CellKey& key) {
  std::string text;
  for (const CellAxis& axis : kCellAxes)
    if (axis.has(kIdentity) && !axis.has(kFromFirst) && !is_default(axis, key)) text += ", " + phrase(axis, key);
  return text;
}

GridSpec grid_spec(const CellKey& key) {
  auto grid = parse_grid_word(key.spacing);
  if (!grid) throw input_error("spacing", "expected a spacing or times:…, got \"" + key.spacing + "\"");
  grid->original_inference_steps = key.original_inference_steps;
  return *std::move(grid);
}

}  // namespace fewstep
