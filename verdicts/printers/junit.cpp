// JUnit's XML as Jenkins' xUnit plugin takes it (junit-10.xsd): a suite of cells × metrics, one of tripwires, one of
// what makes the arms comparable.
#include "reports/safe_text.h"
#include "verdicts/printers.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

// Text of an attribute or an element; what XML 1.0 cannot hold is made visible by one_line.
std::string xml(const std::string& text) {
  std::string safe;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

struct Case {
  std::string suite, name;
  std::string element, type, message;  // element: "failure", "error"; empty where it passes
};

Case case_of(const ComparedRow& row) {
  Case made{metric_text(row), row.cell, "", "", ""};
  if (!row.counts || !is_trouble(row)) return made;
  const bool failed = info(row.verdict).code == ExitCode::kRegression;
  made.element = failed ? "failure" : "error";
  made.type = info(row.verdict).name;
  made.message = fmt::format("{} to {}: {} ({}), may be worse by {}", number_text(row.baseline, row),
                             number_text(row.candidate, row), difference_text(row), interval_text(row),
                             number_text(row.margin, row));
  if (const std::string reason = explanation_of(row); !reason.empty()) made.message += "; " + reason;
  return made;
}

std::vector<Case> cases_of(const Comparison& comparison) {
  std::vector<Case> cases;
  for (const ComparedRow& row : comparison.rows) cases.push_back(case_of(row));
  for (const TrippedRow& row : comparison.tripped) {
    cases.push_back({"tripwires", row.cell + " · " + row.tripwire, "", "", ""});
    if (!row.fails) continue;
    cases.back().element = "failure";
    cases.back().type = "tripped";
    cases.back().message =
        fmt::format("{} of {} images, {} of them new, {} allowed", row.candidate, row.images, row.fresh, row.allowed);
  }
  const auto add = [&](const std::vector<std::string>& texts, const char* name) {
    for (const std::string& text : texts) cases.push_back({"arms", text, "error", name, text});
    if (texts.empty()) cases.push_back({"arms", std::string("nothing is ") + name, "", "", ""});
  };
  add(comparison.incomplete, "incomplete");
  add(comparison.unequal, "not comparable");
  return cases;
}

}  // namespace

std::string print_verdict_junit(const VerdictInput& input) {
  const auto cases = cases_of(input.comparison);
  const auto count = [&](const std::vector<Case>& list, const char* element) {
    return std::count_if(list.begin(), list.end(), [&](const Case& one) { return one.element == element; });
  };
  std::vector<std::vector<Case>> suites;
  for (const Case& one : cases) {
    const auto suite =
        std::find_if(suites.begin(), suites.end(), [&](const auto& list) { return list.front().suite == one.suite; });
    if (suite == suites.end())
      suites.push_back({one});
    else
      suite->push_back(one);
  }
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fewstep compare\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\">\n",
      cases.size(), count(cases, "failure"), count(cases, "error"));
  for (const auto& suite : suites) {
    out += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\">\n",
                       xml(suite.front().suite), suite.size(), count(suite, "failure"), count(suite, "error"));
    for (const Case& one : suite) {
      out += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", xml(one.suite), xml(one.name));
      if (one.element.empty())
        out += "/>\n";
      else
        out += fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\">{2}</{0}>\n    </testcase>\n", one.element,
                           one.type, xml(one.message));
    }
    if (&suite == &suites.back())
      out += "    <system-out>" + xml(headline_of(input.comparison) + ". " + input.comparison.statement) +
             "</system-out>\n";
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace fewstep
