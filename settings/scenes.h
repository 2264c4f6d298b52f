#pragma once
#include "datasets/captions.h"
#include "settings/fields.h"

#include <array>
#include <optional>
#include <string_view>

namespace fewstep {

// builtin = "shapes" with split and style, in experiments and recipes.
inline constexpr std::array<std::string_view, 1> kBuiltins{"shapes"};
inline constexpr std::array kSceneFields{
    fields::custom<ShapesQuery>(
        "builtin", R"({"enum": ["shapes"]})", "the built-in scenes",
        [](const Field<ShapesQuery>&, const TomlTable& table, ShapesQuery&, SettingsFile&) {
          index_of_name(kBuiltins, table.text("builtin"), table.where("builtin"));
        },
        [](const ShapesQuery&) -> nlohmann::json { return kBuiltins[0]; }),
    fields::choice<&ShapesQuery::split>("split", kShapeSplits, "of the built-in scenes"),
    fields::choice<&ShapesQuery::style>("style", kShapeStyles, "of the built-in scenes"),
};

}  // namespace fewstep
