#pragma once
#include "reports/axes.h"
#include "store/read.h"

#include <string>

namespace fewstep {

// One self-contained page: summary, tables, charts, images, prompts, provenance. Scripts, styles and images are inside;
// its policy allows no request and no script but ours. Images take at most kMaxPageImageBytes of it.
constexpr std::size_t kMaxPageImageBytes = 7u << 20;
std::string print_html(Store& store, const StoredTable& table, const Arrangement& arrangement, int grid_prompts);

}  // namespace fewstep
