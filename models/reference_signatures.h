#pragma once
#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace fewstep {

// What a class of diffusers or Transformers takes: every key with its default, from the signatures of the versions that
// docs/parity.md names. An empty object for a class that they do not have.
const nlohmann::json& reference_signature(std::string_view class_name);

namespace assets {
extern const std::string_view kReferenceSignatures;  // models/reference_signatures.json
}

}  // namespace fewstep
