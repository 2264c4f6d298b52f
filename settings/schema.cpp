#include "settings/schema.h"

#include <cmath>

namespace fewstep {

using nlohmann::json;

namespace {

json one_or_list(const json& one) {
  return {{"anyOf", {one, {{"type", "array"}, {"items", one}, {"minItems", 1}, {"uniqueItems", true}}}}};
}

}  // namespace

json value_schema(FieldKind kind, std::span<const std::string_view> names, std::string_view custom) {
  switch (kind) {
    case FieldKind::kInteger:
      return {{"type", "integer"}};
    case FieldKind::kNumber:
      return {{"type", "number"}};
    case FieldKind::kBoolean:
      return {{"type", "boolean"}};
    case FieldKind::kText:
    case FieldKind::kPath:
      return {{"type", "string"}};
    case FieldKind::kChoice:
      return {{"enum", names}};
    case FieldKind::kIntegers:
      return one_or_list({{"type", "integer"}});
    case FieldKind::kChoices:
      return one_or_list({{"enum", names}});
    case FieldKind::kCustom:
      break;
  }
  return custom.empty() ? json::object() : json::parse(custom);
}

json default_of(const json& written, const json& schema) {
  if (written.is_number_float() && !std::isfinite(written.get<double>())) return {};
  if (written.is_number() && written < schema.value("minimum", written)) return {};
  if (written.is_string() && !schema.contains("enum")) return {};
  if (schema.contains("enum") && schema["enum"].size() == 1) return {};
  return written.empty() ? json() : written;
}

void merge_schema(json& into, const json& more) {
  for (const auto& [key, value] : more.at("properties").items()) into["properties"].emplace(key, value);
}

}  // namespace fewstep
