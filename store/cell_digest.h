#pragma once
#include "store/store.h"

#include <cstdint>
#include <span>

namespace fewstep {

// Notes for a cell that is whole what its images are: a hash over its prompts (row and text), over its images, over
// their initial latents, and how many trip each wire. The images are those of the given prompts with an index below
// images_per_prompt. Marks images as kSame: those whose bits occur under prompts of another text, and, where the mean
// levels (SampleRow::fingerprint) of more than half of the prompts lie within 2 levels of one image's, these.
void digest_cell(Store& store, std::int64_t run_id, int position, std::int64_t series_id,
                 std::span<const std::int64_t> prompt_rows, int images_per_prompt);

}  // namespace fewstep
