#include "settings/toml/kinds.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fewstep {
namespace {

struct KindRow {
  FileKind kind;
  std::string_view name, command;
  std::array<std::string_view, 3> keys;  // that no other kind has
};

constexpr std::array<KindRow, 3> kKinds{
    {{FileKind::kExperiment, "an experiment", "fewstep run", {"checkpoint", "distill", "grid"}},
     {FileKind::kRecipe, "a recipe", "fewstep distill", {"method", "train", "data"}},
     {FileKind::kGate, "a gate", "fewstep gate BASELINE CANDIDATE --gate", {"margin", "allow", "alpha"}}}};

bool has_key_of(const KindRow& row, const toml::table& root) {
  return std::ranges::any_of(row.keys, [&](std::string_view key) { return root.contains(key); });
}

}  // namespace

void expect_kind(FileKind kind, const toml::table& root, const std::string& file) {
  const KindRow& wanted = *std::ranges::find(kKinds, kind, &KindRow::kind);
  if (has_key_of(wanted, root)) return;
  const auto found = std::ranges::find_if(kKinds, [&](const KindRow& row) { return has_key_of(row, root); });
  if (found == kKinds.end()) return;
  throw usage_error(file,
                    fmt::format("expected {}, got {}; use {} {}", wanted.name, found->name, found->command, file));
}

}  // namespace fewstep
