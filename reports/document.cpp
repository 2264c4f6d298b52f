#include "reports/document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace fewstep {

Document with_methods(Document document, const Arrangement& arrangement) {
  document.row_headers = {"method"};
  document.methods.clear();
  document.row_labels.clear();
  for (std::string& label : method_labels(arrangement)) document.row_labels.push_back({std::move(label)});
  for (Section& section : document.sections)
    for (auto& labels : section.more_labels) labels.resize(1);
  document.constants = constants_of(arrangement);
  return document;
}

Document with_short_provenance(Document document) {
  constexpr std::array<std::string_view, 3> kShort{"Images", "Prompts", "Run"};
  std::erase_if(document.provenance, [&](const auto& line) { return !std::ranges::count(kShort, line.first); });
  if (!document.provenance.empty())
    document.provenance.back().second += "; --full: protocols, checkpoints, machine, command";
  return document;
}

Document by_metric(Document document) {
  Section joined;
  joined.title = fmt::format("{}", fmt::join(document.constants, ", "));
  joined.entries.resize(document.row_labels.size());
  const std::vector<std::string> columns = std::move(document.column_headers);
  document.column_headers.clear();
  std::size_t before = 0;
  for (const Section& section : document.sections) {
    document.groups.push_back({section.title, section.marks, columns.size()});
    document.column_headers.insert(document.column_headers.end(), columns.begin(), columns.end());
    for (std::size_t row = 0; row < section.entries.size(); ++row) {
      const auto& labels = document.labels(section, row);
      const bool own = section.has_own_rows || row >= document.row_labels.size();
      std::size_t at = row;
      if (own) {  // which another section may have, too
        const auto found = std::find(joined.more_labels.begin(), joined.more_labels.end(), labels);
        at = document.row_labels.size() + static_cast<std::size_t>(found - joined.more_labels.begin());
        if (found == joined.more_labels.end()) joined.more_labels.push_back(labels);
      }
      if (joined.entries.size() <= at) joined.entries.resize(at + 1);
      auto& entries = joined.entries[at];
      entries.resize(before, Entry{"–"});
      entries.insert(entries.end(), section.entries[row].begin(), section.entries[row].end());
    }
    before += columns.size();
  }
  for (auto& entries : joined.entries) entries.resize(before, Entry{"–"});
  document.sections = {std::move(joined)};
  return document;
}

}  // namespace fewstep
