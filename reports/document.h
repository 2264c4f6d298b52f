#pragma once
#include "reports/axes.h"
#include "store/read.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewstep {

// A table as a terminal or Markdown shows it: the same rows and columns once for each measure. All texts are raw; the
// printers make them safe.
struct Entry {
  std::string text;                   // never empty: a number, or what there is instead of one
  bool best = false;                  // of its column
  std::optional<double> number = {};  // by which rows can be sorted; nothing where text is no number
};

struct Section {
  std::string title;
  std::vector<std::vector<Entry>> entries;  // [row][column]
};

struct Document {
  std::string title;
  std::vector<std::string> row_headers;
  std::vector<std::vector<std::string>> row_labels;
  std::vector<std::string> column_headers;
  std::vector<Section> sections;
  std::vector<std::string> notes;                               // [1], [2] … of the entries
  std::vector<std::pair<std::string, std::string>> provenance;  // what it takes to run it again
};

// The scores that form one column of a table: equal in all but the cell.
struct ScoreKey {
  MetricKey metric;
  std::string reference_hash;
  bool operator<(const ScoreKey& other) const;
};
std::vector<ScoreKey> score_keys(const std::vector<StoredCell>& cells);  // in the order of the first cell that has each
// The score of a complete cell; null where there is none.
const StoredScore* find_score(const StoredCell& cell, const ScoreKey& key);
// "FID", "CLIP score", "FD (pocket)"; other names as they are.
std::string metric_title(std::string_view name);
// The same with the protocol: "FID (pytorch-fid)", "FD (pocket)".
std::string protocol_title(const MetricKey& metric);
// "FID (pytorch-fid) ↓", and what tells it apart where all hold several of that name and protocol.
std::string score_title(const ScoreKey& key, const std::vector<ScoreKey>& all);

// "complete", "incomplete 37/100", "failed": for people.
std::string state_text(const StoredCell& cell);

}  // namespace fewstep
