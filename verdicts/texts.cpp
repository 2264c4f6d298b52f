#include "core/grouped.h"
#include "reports/notes.h"
#include "reports/scores.h"
#include "verdicts/printers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace fewstep {
namespace {

int digits_of(const ComparedRow& row) {
  if (row.metric == kLatency) return row.baseline < 100 ? 1 : 0;
  const double half = row.difference ? (row.high - row.low) / 2 : 1;
  if (!(half > 0)) return 2;
  return std::clamp(2 - static_cast<int>(std::floor(std::log10(half))) - 1, 1, 4);
}

std::string fixed(double value, int digits, bool sign) {
  if (!std::isfinite(value)) return "–";
  const std::string text = sign ? fmt::format("{:+.{}f}", value, digits) : fmt::format("{:.{}f}", value, digits);
  return text;
}

std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

void add_rows(Document& document, const Comparison& comparison, Notes& notes) {
  std::map<std::string, std::size_t> sections;
  for (const ComparedRow& row : comparison.rows) {
    const std::string title = metric_text(row) + (row.higher_is_better ? " ↑" : " ↓");
    const auto [place, added] = sections.emplace(title, document.sections.size());
    if (added) document.sections.push_back({title, {}, {}});
    Section& section = document.sections[place->second];
    section.more_labels.push_back({row.cell});
    const bool has = row.difference.has_value();
    std::vector<Entry> entries{
        {number_text(row.baseline, row), false, finite(row.baseline)},
        {number_text(row.candidate, row), false, finite(row.candidate)},
        {difference_text(row), false, has ? std::optional(row.difference->value) : std::nullopt},
        {interval_text(row), false, {}},
        {number_text(row.margin, row), false, row.margin},
        {verdict_text(row) + (row.counts ? "" : ", not counted") + notes.mark(explanation_of(row)), false, {}}};
    section.entries.push_back(std::move(entries));
  }
}

void add_trips(Document& document, const Comparison& comparison, Notes& notes) {
  if (comparison.tripped.empty()) return;
  Section section{"Images that trip a wire", {}, {}};
  for (const TrippedRow& row : comparison.tripped) {
    section.more_labels.push_back({row.cell + " · " + row.tripwire});
    const auto count = [](std::int64_t number) { return Entry{grouped(number), false, static_cast<double>(number)}; };
    const auto wire = std::find_if(kTripwires.begin(), kTripwires.end(),
                                   [&](const Tripwire& one) { return one.name == row.tripwire; });
    section.entries.push_back(
        {count(row.baseline),
         count(row.candidate),
         Entry{fmt::format("{} of {} new", row.fresh, row.images), false, static_cast<double>(row.fresh)},
         {"–", false, {}},
         count(row.allowed),
         {std::string(row.fails ? "✗ tripped" : "✓ allowed") +
              notes.mark(wire == kTripwires.end() ? "" : std::string(wire->meaning)),
          false,
          {}}});
  }
  document.sections.push_back(std::move(section));
}

}  // namespace

std::string metric_text(const ComparedRow& row) {
  if (row.metric == kLatency) return row.protocol.empty() ? "Latency" : "Latency, ms per image (" + row.protocol + ")";
  return protocol_title({row.metric, row.protocol, "", 1, row.higher_is_better});
}

std::string number_text(double value, const ComparedRow& row) { return fixed(value, digits_of(row), false); }

std::string difference_text(const ComparedRow& row) {
  return row.difference ? fixed(row.difference->value, digits_of(row), true) : "–";
}

std::string interval_text(const ComparedRow& row) {
  if (!row.difference || row.verdict == Verdict::kIdentical) return "–";
  return fixed(row.low, digits_of(row), true) + " … " + fixed(row.high, digits_of(row), true);
}

std::string verdict_text(const ComparedRow& row) {
  return std::string(info(row.verdict).sign) + " " + std::string(info(row.verdict).name);
}

std::string explanation_of(const ComparedRow& row) {
  if (!row.reason.empty()) return row.reason;
  if (!row.prompts_needed) return "";
  return *row.prompts_needed > 1e7 ? "more than 10,000,000 prompts would settle it"
                                   : "about " + grouped(static_cast<std::int64_t>(*row.prompts_needed)) +
                                         " prompts would settle it, if the difference stayed as it is";
}

bool is_trouble(const ComparedRow& row) { return info(row.verdict).code != ExitCode::kOk; }

std::string headline_of(const Comparison& comparison) {
  std::array<int, 8> counts{};
  int counted = 0;
  for (const ComparedRow& row : comparison.rows) {
    if (!row.counts) continue;
    ++counts[static_cast<std::size_t>(row.verdict)];
    ++counted;
  }
  std::string text =
      std::string(outcome_of(comparison.code)) + ": " + grouped(counted) + " comparison" + (counted == 1 ? "" : "s");
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) text += fmt::format(", {} {}", counts[i], info(static_cast<Verdict>(i)).name);
  const auto failing = std::count_if(comparison.tripped.begin(), comparison.tripped.end(),
                                     [](const TrippedRow& row) { return row.fails; });
  if (failing > 0) text += fmt::format("; tripwires in {} place{}", failing, failing == 1 ? "" : "s");
  return text;
}

Document document_of(const Comparison& comparison) {
  Document document;
  document.title = headline_of(comparison);
  document.row_headers = {"cell"};
  document.column_headers = {"baseline", "candidate", "difference", "interval", "margin", "verdict"};
  Notes notes(document.notes);
  add_rows(document, comparison, notes);
  add_trips(document, comparison, notes);
  auto& lines = document.provenance;
  for (const auto& [name, list] :
       {std::pair("incomplete", &comparison.incomplete), std::pair("not comparable", &comparison.unequal),
        std::pair("note", &comparison.notes)})
    for (const std::string& text : *list) lines.emplace_back(name, text);
  for (const auto& [name, arm] :
       {std::pair("baseline", &comparison.baseline), std::pair("candidate", &comparison.candidate)})
    lines.emplace_back(name, fmt::format("{}: run {} of {}, {}, fewstep {}; {}", arm->text, arm->run, arm->experiment,
                                         arm->started, arm->version, arm->checkpoints));
  lines.emplace_back(
      "statistics",
      fmt::format("difference: candidate − baseline, paired over prompts; margin: by how much it may be worse; worse "
                  "by Holm's procedure over {} tests at {:.6g}; "
                  "intervals by Bonferroni, {:.6g} % on each side",
                  comparison.tests, comparison.alpha,
                  100 * comparison.alpha / static_cast<double>(std::max<std::int64_t>(1, comparison.tests))));
  std::vector<std::string> margins;
  for (const ComparedRow& row : comparison.rows) {
    const std::string one = margin_text(row.margin_size, row.metric == kLatency ? "latency" : metric_title(row.metric));
    if (!std::ranges::count(margins, one)) margins.push_back(one);
  }
  if (!margins.empty()) lines.emplace_back("margins", fmt::format("{}", fmt::join(margins, ", ")));
  std::map<std::string, double> floors;
  for (const ComparedRow& row : comparison.rows)
    if (row.noise_floor) floors[metric_text(row)] = std::max(floors[metric_text(row)], *row.noise_floor);
  for (const auto& [metric, floor] : floors)
    lines.emplace_back("noise floor",
                       fmt::format("{}: up to {:.3g}, between two seeds of the baseline", metric, floor));
  lines.emplace_back("about", comparison.statement);
  return document;
}

}  // namespace fewstep
