#pragma once
#include "datasets/prompt_set.h"

#include <filesystem>
#include <string>

namespace fewstep {

// `captions.csv: 5,000 captions from column "caption" (semicolons), the first: "a boat"`, for people.
std::string text_of(const PromptSet& set, const std::filesystem::path& file);

// .csv and .tsv in the dialect that fits their first 16 MiB (delimited.h); .jsonl: the first record says which keys
// there are, a later one may leave some out; .txt: a caption a line. Rows with broken text are left out. Throws Error:
// kInput for a broken file (with line or row), a missing column (naming those that exist), fewer rows than count, and
// more left out than max_left_out; kUsage for an unknown extension, and for shapes without count.
PromptSet read_prompts(const PromptQuery& query);

}  // namespace fewstep
