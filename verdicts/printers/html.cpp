// One self-contained page of a comparison: verdict, tables, the prompts that lost most with both pictures side by side.
#include "reports/assets.h"
#include "reports/embedded_images.h"
#include "reports/page_parts.h"
#include "reports/safe_text.h"
#include "reports/scores.h"
#include "verdicts/assets.h"
#include "verdicts/printers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fewstep {
namespace {

using kainjow::mustache::data;

constexpr std::size_t kMaxImageBytes = 3u << 20;  // of each arm
constexpr int kCaptionColumns = 1000;

// One arm's picture of a prompt, or why it is not there.
data side_of(EmbeddedImages& images, Store& store, const std::optional<StoredSample>& sample, const char* name,
             const std::string& text) {
  data side("name", name);
  side.set("text", text);
  const EmbeddedImages::Place place = sample ? images.add(store, *sample) : EmbeddedImages::Place{-1, "no such image"};
  if (place.index < 0) {
    side.set("absent", one_line(place.instead));
    return side;
  }
  const EmbeddedImage& image = images.images()[static_cast<std::size_t>(place.index)];
  side.set("png", image.base64);
  side.set("width", std::to_string(image.width));
  side.set("height", std::to_string(image.height));
  side.set("class", image.width <= 256 ? "small" : "large");
  return side;
}

// Of a cell's prompts that lost most.
std::string anchor_of(std::size_t lost) { return fmt::format("lost-{}", lost + 1); }

// What an exit code says, for a reader who knows no codes, and the colour that it has on the page.
struct Outcome {
  ExitCode code;
  std::string_view words, colour;
};
constexpr std::array<Outcome, 5> kOutcomes{
    {{ExitCode::kOk, "Pass: nothing is worse by more than its margin.", "good"},
     {ExitCode::kRegression, "Regression: the candidate is worse.", "bad"},
     {ExitCode::kInconclusive, "Inconclusive: these prompts do not show whether the candidate is worse.", "open"},
     {ExitCode::kNotComparable, "Not comparable: the arms differ in what must be equal.", "open"},
     {ExitCode::kIncomplete, "Incomplete: a cell, an image or a number is missing.", "open"}}};

data lost_of(const VerdictInput& input) {
  EmbeddedImages images(2 * kMaxImageBytes);
  data cells(data::type::list);
  for (const LostPrompts& cell : input.lost) {
    data item("cell", one_line(cell.cell));
    item.set("anchor", anchor_of(static_cast<std::size_t>(&cell - input.lost.data())));
    item.set("metric", metric_title(cell.metric));
    data prompts(data::type::list);
    for (const LostPrompt& prompt : cell.prompts) {
      const std::string text = shortened(one_line(prompt.text), kCaptionColumns);
      data one("text", text);
      one.set("worse", fmt::format("{:.2f}", prompt.worse));
      data sides(data::type::list);
      sides.push_back(side_of(images, *input.baseline.store, prompt.baseline, "baseline", text));
      sides.push_back(side_of(images, *input.candidate.store, prompt.candidate, "candidate", text));
      one.set("sides", sides);
      prompts.push_back(one);
    }
    item.set("prompts", prompts);
    cells.push_back(item);
  }
  return cells;
}

data reasons_of(const Comparison& comparison) {
  data reasons(data::type::list);
  const auto add = [&](const std::string& text) { reasons.push_back(data("text", one_line(text))); };
  for (const std::string& text : comparison.incomplete) add(text);
  for (const std::string& text : comparison.unequal) add(text);
  for (const TrippedRow& row : comparison.tripped)
    if (row.fails)
      add(fmt::format("{}: {} of {} images trip the wire “{}”, {} of them new", row.cell, row.candidate, row.images,
                      row.tripwire, row.fresh));
  for (const ComparedRow& row : comparison.rows)
    if (row.counts && row.verdict == Verdict::kRegressed)
      add(fmt::format("{}: {} {}, {} to {}", row.cell, metric_text(row), difference_text(row),
                      number_text(row.baseline, row), number_text(row.candidate, row)));
  return reasons;
}

}  // namespace

std::string print_verdict_html(const VerdictInput& input) {
  const Comparison& comparison = input.comparison;
  Document document = document_of(comparison);
  for (std::size_t i = 0; i < input.lost.size(); ++i) document.anchors.emplace(input.lost[i].cell, anchor_of(i));
  const std::string style = std::string(assets::kStyle) + std::string(assets::kCompareStyle);
  data page;
  page.set("title", one_line(document.title));
  page.set("outcome", std::string(outcome_of(comparison.code)));
  const Outcome& outcome = *std::ranges::find(kOutcomes, comparison.code, &Outcome::code);
  page.set("outcome_words", std::string(outcome.words));
  page.set("outcome_class", std::string(outcome.colour));
  page.set("baseline", one_line(comparison.baseline.text));
  page.set("candidate", one_line(comparison.candidate.text));
  page.set("version", FEWSTEP_VERSION);
  page.set("statement", one_line(comparison.statement));
  page.set("reasons", reasons_of(comparison));
  page.set("sections", sections_of(document));
  set_notes(page, document);
  page.set("has_lost", data(!input.lost.empty()));
  page.set("lost", lost_of(input));
  page.set("style", style);
  page.set("script", std::string(assets::kCompareScript));
  page.set("policy",
           fmt::format("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src {}; "
                       "script-src {}",
                       policy_hash(style), policy_hash(assets::kCompareScript)));
  return render_page(assets::kComparePage, page);
}

}  // namespace fewstep
