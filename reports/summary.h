#pragma once
#include "store/read.h"

#include <string>
#include <vector>

namespace fewstep {

// What a reader wants to know first, a card each: "Best FID (pytorch-fid)", "12.50 ± 0.16", "lcm · 8 steps". Raw texts.
struct SummaryCard {
  std::string title, value, detail;
  bool warning = false;  // something is missing
};
std::vector<SummaryCard> make_summary(const StoredTable& table);

}  // namespace fewstep
