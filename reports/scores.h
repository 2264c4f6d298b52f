#pragma once
#include "store/read.h"

#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The scores that form one column of a table: equal in all but the cell.
struct ScoreKey {
  MetricKey metric;
  std::string reference_hash;
  bool operator<(const ScoreKey& other) const;
  bool operator==(const ScoreKey& other) const { return !(*this < other) && !(other < *this); }
};
std::vector<ScoreKey> score_keys(const std::vector<StoredCell>& cells);  // in the order of the first cell that has each
// The score of a complete cell; null where there is none.
const StoredScore* find_score(const StoredCell& cell, const ScoreKey& key);
// Whether the cells' scores may be held against each other: not where they are biased by the number of images (flag
// biased-upward) and that number differs, as it may between stores.
bool at_equal_n(const std::vector<StoredCell>& cells, const ScoreKey& key);
bool at_equal_n(const StoredScore& a, const StoredScore& b);
// "FID", "CLIP score", "FD (pocket)"; other names as they are.
std::string metric_title(std::string_view name);
// The same with the protocol: "FID (pytorch-fid)", "FD (pocket)".
std::string protocol_title(const MetricKey& metric);
// "FID (pytorch-fid) ↓", and what tells it apart where all hold several of that name and protocol.
std::string score_title(const ScoreKey& key, const std::vector<ScoreKey>& all);

// Images that another program made.
bool made_elsewhere(const StoredCell& cell);

// "complete", "incomplete 37/100", "failed": for people.
std::string state_text(const StoredCell& cell);

}  // namespace fewstep
