#pragma once
#include "checkpoints/checkpoint_info.h"
#include "core/cell_key.h"
#include "core/checkpoint_ref.h"
#include "core/error.h"
#include "core/noise.h"
#include "samplers/catalog.h"
#include "settings/experiment.h"

#include <compare>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// A cell as it is planned: what is known of it before its checkpoint is read.
struct Cell {
  CellKey key;
  CheckpointRef checkpoint;
  auto operator<=>(const Cell&) const = default;
};

// Cartesian product in a stable order: checkpoint, sampler, spacing, original_inference_steps, guidance, steps.
std::vector<Cell> expand(const Experiment& experiment);
// --only "sampler=lcm steps=4,8": every clause must hold, by one of its values. Throws Error (kUsage) for an unknown
// key, a name that no cell has, and where no cell is left.
std::vector<Cell> select(std::vector<Cell> cells, const std::string& only);
// Which of the cells that select would leave. No clause leaves all.
std::vector<bool> which_fit(std::span<const CellKey> keys, const std::string& only);
// Throws as select for what are no clauses, whatever the cells.
void check_only(const std::string& only);

// Whether a sampler fits a checkpoint. Under given times lcm fits a teacher too: merged LCM-LoRA weights, say, that lie
// under another scheduler's file.
bool is_fit(const SamplerInfo& sampler, const CheckpointInfo& checkpoint, const GridSpec& grid);
// Warns of lcm on a teacher.
void tell_lcm_on_teacher(const std::string& where, const SamplerInfo& sampler, const CheckpointInfo& checkpoint);
// The times of a cell on its checkpoint's schedule.
GridOptions grid_of(const CellKey& key, const CheckpointInfo& checkpoint);
// Says what a cell's sampler has to be on a checkpoint of another kind; where names the option.
Error unfit_sampler(const std::string& where, const std::string& sampler, const CheckpointInfo& checkpoint);
// Warns of a guidance_scale below 1, which diffusers takes for "no guidance" and fewstep by its formula.
void tell_negative_guidance(const std::string& where, const Guidance& guidance, const CheckpointInfo& checkpoint);

}  // namespace fewstep
