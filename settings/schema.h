#pragma once
#include "settings/fields.h"

#include <nlohmann/json.hpp>

namespace fewstep {

// JSON Schemas (draft 2020-12) of the two kinds of files that users write: for editors that complete and check them.
// What relates one key to another (a sampler that fits its checkpoint) is checked by the program alone.
nlohmann::json experiment_schema();
nlohmann::json recipe_schema();

// The value of one key; def: its default, or null.
nlohmann::json value_schema(FieldKind kind, std::span<const std::string_view> names, std::string_view custom);

// What a key means where it is left out, as a value that its schema allows; null where absence means something else.
nlohmann::json default_of(const nlohmann::json& written, const nlohmann::json& schema);

// A table with these rows, and defaults as the struct has them.
template <typename T, typename Rows>
nlohmann::json json_schema(const T& defaults, const Rows& rows) {
  nlohmann::json properties = nlohmann::json::object(), required = nlohmann::json::array();
  for (const auto& row : rows) {
    nlohmann::json value = value_schema(row.kind, row.names, row.schema);
    if (row.kind == FieldKind::kInteger) value.update(nlohmann::json({{"minimum", row.least}, {"maximum", row.most}}));
    if (row.kind == FieldKind::kIntegers)
      for (auto* one : {&value["anyOf"][0], &value["anyOf"][1]["items"]})
        one->update(nlohmann::json({{"minimum", row.least}, {"maximum", row.most}}));
    if (row.kind == FieldKind::kNumber && row.low > -1e300)
      value.update(nlohmann::json({{"minimum", row.low}, {"maximum", row.high}}));
    if (!row.meaning.empty()) value["description"] = row.meaning;
    if (!row.is_hashed) value["$comment"] = "decides no result";
    if (row.is_required) required.push_back(row.key);
    if (const auto standard = default_of(row.write(defaults), value); !standard.is_null()) value["default"] = standard;
    properties[std::string(row.key)] = std::move(value);
  }
  return {{"type", "object"},
          {"additionalProperties", false},
          {"properties", std::move(properties)},
          {"required", std::move(required)}};
}

// The keys of another table's schema, none of them required.
void merge_schema(nlohmann::json& into, const nlohmann::json& more);

}  // namespace fewstep
