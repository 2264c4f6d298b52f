#include "reports/safe_text.h"
#include "verdicts/printers.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

// GitHub takes comments of 65,536 characters.
constexpr std::size_t kMostBytes = 60'000;
constexpr std::size_t kMostLines = 12;  // of a list
constexpr int kCaptionColumns = 120;

using Rows = std::vector<const ComparedRow*>;

std::string table_line(const ComparedRow& row) {
  const std::string explanation = explanation_of(row);
  return fmt::format(
      "| {} | {} | {} | {} | {} | {} | {} | {}{} |\n", markdown_text(row.cell), markdown_text(metric_text(row)),
      number_text(row.baseline, row), number_text(row.candidate, row), difference_text(row), interval_text(row),
      number_text(row.margin, row), verdict_text(row),
      (row.counts ? "" : ", not counted") + (explanation.empty() ? "" : "<br>" + markdown_text(explanation)));
}

constexpr std::string_view kHead =
    "| cell | metric | baseline | candidate | difference | interval | margin | verdict |\n"
    "|:--|:--|--:|--:|--:|--:|--:|:--|\n";

// As many lines as fit; says how many do not.
void append_table(std::string& out, const Rows& rows, std::size_t most_bytes) {
  out += kHead;
  std::size_t shown = 0;
  for (const ComparedRow* row : rows) {
    const std::string line = table_line(*row);
    if (out.size() + line.size() > most_bytes) break;
    out += line;
    ++shown;
  }
  if (shown < rows.size()) out += fmt::format("\n…and {} more\n", rows.size() - shown);
}

void append_list(std::string& out, const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += fmt::format("\n**{}**\n\n", title);
  for (std::size_t i = 0; i < std::min(lines.size(), kMostLines); ++i)
    out += "- " + markdown_text(shortened(one_line(lines[i]), 300)) + "\n";
  if (lines.size() > kMostLines) out += fmt::format("- …and {} more\n", lines.size() - kMostLines);
}

void append_trips(std::string& out, const Comparison& comparison) {
  std::vector<std::string> lines;
  for (const TrippedRow& row : comparison.tripped)
    lines.push_back(fmt::format("{} {}: {} of {} images are {} ({} of them new, {} allowed)", row.fails ? "✗" : "✓",
                                row.cell, row.candidate, row.images, row.tripwire, row.fresh, row.allowed));
  append_list(out, "Images that trip a wire", lines);
}

void append_lost(std::string& out, const std::vector<LostPrompts>& lost) {
  if (lost.empty()) return;
  out += fmt::format("\n<details><summary>Prompts that lost most ({})</summary>\n\n", markdown_text(lost.front().cell));
  for (const LostPrompt& prompt : lost.front().prompts)
    out += fmt::format("- {:.2f} worse: {}\n", prompt.worse,
                       markdown_text(shortened(one_line(prompt.text), kCaptionColumns)));
  out += "\n</details>\n";
}

}  // namespace

std::string print_verdict_markdown(const VerdictInput& input) {
  const Comparison& comparison = input.comparison;
  const bool fine = comparison.code == ExitCode::kOk;
  std::string out = fmt::format("### {} fewstep: {}\n", fine ? "✅" : "❌", markdown_text(headline_of(comparison)));
  append_list(out, "Incomplete", comparison.incomplete);
  append_list(out, "Not comparable", comparison.unequal);
  append_trips(out, comparison);
  Rows trouble, all;
  for (const ComparedRow& row : comparison.rows) {
    all.push_back(&row);
    if (row.counts && is_trouble(row)) trouble.push_back(&row);
  }
  if (!trouble.empty()) {
    out += "\n";
    append_table(out, trouble, kMostBytes / 2);
  }
  append_lost(out, input.lost);
  std::string tail;
  append_list(tail, "Notes", comparison.notes);
  for (const auto& [name, arm] :
       {std::pair("Baseline", &comparison.baseline), std::pair("Candidate", &comparison.candidate)})
    tail += fmt::format("\n{}: {}, run {} of {} ({})\n", name, markdown_text(shortened(one_line(arm->text), 200)),
                        arm->run, markdown_text(shortened(one_line(arm->experiment), 100)),
                        markdown_text(shortened(one_line(arm->checkpoints), 400)));
  tail += "\n" + markdown_text(comparison.statement) + "\n";
  if (!all.empty()) {
    out += fmt::format("\n<details><summary>All {} comparisons</summary>\n\n", all.size());
    append_table(out, all, kMostBytes - std::min(tail.size() + 100, kMostBytes / 2));
    out += "\n</details>\n";
  }
  return out + tail;
}

}  // namespace fewstep
