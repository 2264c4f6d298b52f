#pragma once
#include "reports/arm.h"
#include "store/read.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// What stands below a table: images, protocol, reference, prompts, seeds, checkpoints, device, versions. Raw texts.
std::vector<std::pair<std::string, std::string>> provenance_lines(const StoredTable& table);
// Of several arms what is equal once, and the rest with their names.
std::vector<std::pair<std::string, std::string>> provenance_lines(std::span<const Arm> arms);

}  // namespace fewstep
