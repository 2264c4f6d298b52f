#include "models/reference_signatures.h"

#include <nlohmann/json.hpp>

namespace fewstep {

const nlohmann::json& reference_signature(std::string_view class_name) {
  static const nlohmann::json signatures = nlohmann::json::parse(assets::kReferenceSignatures);
  static const nlohmann::json none = nlohmann::json::object();
  const auto found = signatures.find(std::string(class_name));
  return found == signatures.end() ? none : *found;
}

}  // namespace fewstep
