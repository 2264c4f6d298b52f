#pragma once
#include "core/faults.h"
#include "settings/cells.h"
#include "settings/requests.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace fewstep {

// Before hours are spent: everything that can be checked of the selected cells without hashing or loading weights.
// Every file that they and their metrics use: configurations, tokenizers, headers and shapes of weights, metric
// networks, reference, the store. What is wrong goes to faults.
void preflight(const Experiment& experiment, const std::vector<Cell>& cells, const std::filesystem::path& store,
               Faults& faults);

// Whether N free bytes hold each checkpoint: an error where its files have more, a warning where it may be short.
void check_memory(std::span<const Cell> cells, std::int64_t free, Faults& faults);

// Whether the disk of the store has so many bytes.
void check_disk(const std::filesystem::path& store, double bytes, Faults& faults);

}  // namespace fewstep
