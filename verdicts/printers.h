#pragma once
#include "reports/document.h"
#include "reports/formats.h"
#include "verdicts/comparison.h"
#include "verdicts/lost_prompts.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What a printer of a comparison may use.
struct VerdictInput {
  const Comparison& comparison;
  const Arm &baseline, &candidate;
  const std::vector<LostPrompts>& lost;
  bool colour = false;
};

// A format of `fewstep compare` and `fewstep gate`; ending: of a file that is written in it.
struct VerdictPrinter {
  std::string_view name, ending;
  std::string (*print)(const VerdictInput& input);
};

// The files of printers/ define these.
std::string print_verdict_table(const VerdictInput& input);
std::string print_verdict_markdown(const VerdictInput& input);  // fits a comment on a pull request: 60,000 characters
std::string print_verdict_json(const VerdictInput& input);      // docs/compare.schema.json
std::string print_verdict_junit(const VerdictInput& input);     // as Jenkins' xUnit plugin reads it
std::string print_verdict_html(const VerdictInput& input);

inline constexpr std::array<VerdictPrinter, 5> kVerdictPrinters{{
    {"table", ".txt", print_verdict_table},
    {"markdown", ".md", print_verdict_markdown},
    {"json", ".json", print_verdict_json},
    {"junit", ".xml", print_verdict_junit},
    {"html", ".html", print_verdict_html},
}};
inline constexpr auto kVerdictFormats = formats_of(kVerdictPrinters);

// What all of them say.
std::string headline_of(const Comparison& comparison);          // "regression: 2 of 40 comparisons regressed, …"
std::string metric_text(const ComparedRow& row);                // "CLIP score (transformers)", "latency (batch 1)"
std::string number_text(double value, const ComparedRow& row);  // with as many digits as its interval is worth
std::string difference_text(const ComparedRow& row);            // "+0.12"; "–" where there is none
std::string interval_text(const ComparedRow& row);              // "-0.10 … +0.34"
std::string verdict_text(const ComparedRow& row);               // "✗ regressed"
std::string explanation_of(const ComparedRow& row);             // its reason, and the prompts that would settle it
bool is_trouble(const ComparedRow& row);                        // neither a pass nor better nor identical
// Tables by metric, tripwires, notes and provenance, for a terminal and a page.
Document document_of(const Comparison& comparison);

}  // namespace fewstep
