#pragma once
#include "core/noise.h"

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace fewstep {

// How strongly the caption guides: omega of the LCM paper; guidance_scale = 1 + omega is the same knob. Tables show
// the one that was given.
struct Guidance {
  double omega = 0;
  bool given_as_guidance_scale = false;
  auto operator<=>(const Guidance&) const = default;
};

// The kind of "checkpoint" under which images are that another program made; what is not known of them says so too.
inline constexpr std::string_view kElsewhere = "elsewhere";

// All that decides a cell's images. Two runs whose cells have one identity share samples. docs/schema.md explains the
// members; kCellAxes has a row for each.
struct CellKey {
  std::string checkpoint_name;  // in the experiment
  std::string checkpoint_sha256, checkpoint_kind;
  std::string sampler;
  int steps = 0;
  double omega = 0;
  bool given_as_guidance_scale = false;  // shown, not part of the identity
  std::string spacing = "trailing";      // grid_word
  std::string final_sigma = "zero";
  int original_inference_steps = 0;  // 0: none
  std::string negative_prompt = {};
  std::uint64_t seed = 0;
  std::string prompt_source = {};  // SHA-256 of the caption file
  int height = 0, width = 0;
  std::string dtype = {}, device_kind = {};  // "float32", "cpu" | "cuda"
  auto operator<=>(const CellKey&) const = default;
};

using CellValue = std::variant<std::int64_t, std::uint64_t, double, std::string>;

// What an axis is for.
enum CellUse : unsigned {
  kIdentity = 1,      // it decides images
  kFromFirst = 2,     // it is in every identity, and stores have a column for it; a later axis is there off its default
  kNamed = 4,         // experiments say it: cells of one experiment that agree in all of these are one cell
  kClause = 8,        // --only, labels and the cells of JSON have it
  kAlongTables = 16,  // --rows and --columns take it
  kFine = 32,         // it tells apart cells of one sampler, step count and guidance
  kZeroIsNone = 64,
  kAxisOfCells = kIdentity | kNamed | kClause | kAlongTables | kFine,  // an axis that is added later
};

// One thing that cells differ in. A new one is a member of CellKey and a row, with uses kAxisOfCells.
struct CellAxis {
  std::string_view name;  // as files, --only, --rows, CSV and JSON have it
  unsigned uses;
  CellValue (*get)(const CellKey& key);
  void (*set)(CellKey& key, const CellValue& value) = nullptr;  // nothing: it follows from another axis
  bool (*is_usual)(const CellKey& key) = nullptr;               // labels leave it out; nothing: where it is the default
  std::string (*phrase)(const CellKey& key) = nullptr;  // "4 steps"; nothing: the value, for numbers its name too
  std::string (*column)(const CellKey& key) = nullptr;  // over a table's column; nothing: the phrase
  std::string (*entry)(const CellKey& key) = nullptr;   // in a table under its header; nothing: the value
  std::string_view header = {};                         // over its entries; empty: its name
  std::string_view stored = {};                         // in stores and identities; empty: its name
  bool has(unsigned use) const { return (uses & use) == use; }
  std::string_view stored_name() const { return stored.empty() ? name : stored; }
};

namespace cell_axes {

template <auto kMember>
CellValue get(const CellKey& key) {
  using Member = std::remove_cvref_t<decltype(key.*kMember)>;
  if constexpr (std::is_same_v<Member, int>)
    return std::int64_t{key.*kMember};
  else
    return key.*kMember;
}
// value has the type that get returns.
template <auto kMember>
void set(CellKey& key, const CellValue& value) {
  using Member = std::remove_cvref_t<decltype(key.*kMember)>;
  if constexpr (std::is_same_v<Member, int>)
    key.*kMember = static_cast<int>(std::get<std::int64_t>(value));
  else
    key.*kMember = std::get<Member>(value);
}
template <auto kMember>
constexpr CellAxis axis(std::string_view name, unsigned uses) {
  return {name, uses, get<kMember>, set<kMember>};
}

bool is_usual_spacing(const CellKey& key);
bool is_usual_original(const CellKey& key);
std::string steps_phrase(const CellKey& key);
std::string omega_phrase(const CellKey& key);
std::string omega_entry(const CellKey& key);
std::string original_entry(const CellKey& key);

inline constexpr unsigned kOldAxis = kIdentity | kFromFirst | kNamed;
constexpr bool never(const CellKey&) { return false; }

}  // namespace cell_axes

// Every axis, in the order of labels and of the columns of CSV.
inline constexpr std::array kCellAxes = [] {
  using namespace cell_axes;
  CellAxis checkpoint = axis<&CellKey::checkpoint_name>("checkpoint", kNamed | kClause | kAlongTables);
  checkpoint.is_usual = never;
  checkpoint.stored = "checkpoint_name";
  CellAxis sampler = axis<&CellKey::sampler>("sampler", kOldAxis | kClause | kAlongTables);
  sampler.is_usual = never;
  CellAxis steps = axis<&CellKey::steps>("steps", kOldAxis | kClause | kAlongTables);
  steps.is_usual = never;
  steps.phrase = steps_phrase;
  CellAxis omega = axis<&CellKey::omega>("omega", kOldAxis | kClause | kAlongTables);
  omega.is_usual = [](const CellKey& key) { return key.given_as_guidance_scale; };
  omega.phrase = omega_phrase;
  omega.entry = omega_entry;
  omega.column = [](const CellKey& key) { return "omega " + omega_entry(key); };
  omega.header = "omega (scale)";
  CellAxis scale{"guidance_scale", kClause, [](const CellKey& key) -> CellValue { return 1 + key.omega; }};
  scale.is_usual = [](const CellKey& key) { return !key.given_as_guidance_scale; };
  CellAxis spacing = axis<&CellKey::spacing>("spacing", kAxisOfCells | kFromFirst);
  spacing.is_usual = is_usual_spacing;
  CellAxis final_sigma = axis<&CellKey::final_sigma>("final_sigma", kAxisOfCells | kFromFirst);
  final_sigma.is_usual = [](const CellKey& key) { return key.final_sigma == "zero" || key.final_sigma == kElsewhere; };
  final_sigma.phrase = [](const CellKey& key) { return "final sigma " + key.final_sigma; };
  CellAxis original =
      axis<&CellKey::original_inference_steps>("original_inference_steps", kAxisOfCells | kFromFirst | kZeroIsNone);
  original.is_usual = is_usual_original;
  original.phrase = [](const CellKey& key) { return "grid of " + original_entry(key); };
  original.entry = original_entry;
  original.column = [](const CellKey& key) { return "original_inference_steps " + original_entry(key); };
  CellAxis device = axis<&CellKey::device_kind>("device", kIdentity | kFromFirst);
  device.stored = "device_kind";
  return std::array{checkpoint,
                    axis<&CellKey::checkpoint_sha256>("checkpoint_sha256", kIdentity | kFromFirst),
                    axis<&CellKey::checkpoint_kind>("checkpoint_kind", kIdentity | kFromFirst),
                    sampler,
                    steps,
                    omega,
                    scale,
                    spacing,
                    final_sigma,
                    original,
                    axis<&CellKey::negative_prompt>("negative_prompt", kOldAxis),
                    axis<&CellKey::seed>("seed", kOldAxis),
                    axis<&CellKey::prompt_source>("prompt_source", kIdentity | kFromFirst),
                    axis<&CellKey::height>("height", kOldAxis),
                    axis<&CellKey::width>("width", kOldAxis),
                    axis<&CellKey::dtype>("dtype", kIdentity | kFromFirst),
                    device};
}();

// The row of a name. Throws Error (kUsage) with the nearest name of the rows.
const CellAxis& cell_axis(std::string_view name);

// A key with the values along the axes that have the use, and the default along the others: cells are told apart by it.
CellKey part_of(const CellKey& key, unsigned use);
// The axes with the use along which keys differ.
std::vector<const CellAxis*> differing_axes(std::span<const CellKey> keys, unsigned use);
// Whether it has the value of a key that says nothing.
bool is_default(const CellAxis& axis, const CellKey& key);
// "7.5", "lcm"; empty for a 0 that means none. precision: significant digits of a fraction.
std::string value_text(const CellAxis& axis, const CellKey& key, int precision = 6);
// What stands alone: "4 steps", "ω 7", "trailing".
std::string phrase(const CellAxis& axis, const CellKey& key);
// Over a table's column: "4 steps", "omega 7 (8)"; under the axis' header: "4", "7 (8)", "none".
std::string column_title(const CellAxis& axis, const CellKey& key);
std::string table_entry(const CellAxis& axis, const CellKey& key);
// "checkpoint=lcm sampler=lcm steps=4 omega=8": names a cell in messages, in the words of --only.
std::string cell_label(const CellKey& key);
// ", eta 0.5": the axes that are not in every identity, where they are off their default; for texts that name the
// others themselves.
std::string later_axes_text(const CellKey& key);

// The times of a cell. Throws Error (kInput) where its spacing is none of ours.
GridSpec grid_spec(const CellKey& key);
inline Guidance guidance_of(const CellKey& key) { return {key.omega, key.given_as_guidance_scale}; }

}  // namespace fewstep
