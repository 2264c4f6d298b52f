#include "verdicts/printers.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace fewstep {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json arm_json(const ComparedArm& arm) {
  return {{"arm", arm.text},        {"experiment", arm.experiment},   {"run", arm.run},
          {"started", arm.started}, {"checkpoints", arm.checkpoints}, {"version", arm.version}};
}

Json row_json(const ComparedRow& row) {
  const bool has = row.difference.has_value();
  return {{"cell", row.cell},
          {"metric", row.metric},
          {"protocol", row.protocol},
          {"higher_is_better", row.higher_is_better},
          {"baseline", number_or_null(row.baseline)},
          {"candidate", number_or_null(row.candidate)},
          {"difference", has ? number_or_null(row.difference->value) : Json(nullptr)},
          {"standard_error", has ? number_or_null(row.difference->standard_error) : Json(nullptr)},
          {"interval", has ? Json{row.low, row.high} : Json(nullptr)},
          {"p_worse", has ? number_or_null(row.p_worse) : Json(nullptr)},
          {"p_better", has ? number_or_null(row.p_better) : Json(nullptr)},
          {"units", row.units},
          {"max_regression", number_or_null(row.margin)},
          {"noise_floor", row.noise_floor ? number_or_null(*row.noise_floor) : Json(nullptr)},
          {"verdict", info(row.verdict).name},
          {"counts", row.counts},
          {"reason", row.reason},
          {"prompts_needed", row.prompts_needed ? number_or_null(*row.prompts_needed) : Json(nullptr)}};
}

}  // namespace

std::string print_verdict_json(const VerdictInput& input) {
  const Comparison& comparison = input.comparison;
  Json rows = Json::array(), tripped = Json::array(), lost = Json::array();
  for (const ComparedRow& row : comparison.rows) rows.push_back(row_json(row));
  for (const TrippedRow& row : comparison.tripped)
    tripped.push_back({{"cell", row.cell},
                       {"tripwire", row.tripwire},
                       {"baseline", row.baseline},
                       {"candidate", row.candidate},
                       {"new", row.fresh},
                       {"images", row.images},
                       {"allowed", row.allowed},
                       {"fails", row.fails}});
  for (const LostPrompts& cell : input.lost) {
    Json prompts = Json::array();
    for (const LostPrompt& prompt : cell.prompts)
      prompts.push_back({{"row", prompt.row}, {"text", prompt.text}, {"worse", prompt.worse}});
    lost.push_back({{"cell", cell.cell}, {"metric", cell.metric}, {"prompts", std::move(prompts)}});
  }
  const Json result = {{"outcome", outcome_of(comparison.code)},
                       {"exit_code", static_cast<int>(comparison.code)},
                       {"alpha", comparison.alpha},
                       {"tests", comparison.tests},
                       {"baseline", arm_json(comparison.baseline)},
                       {"candidate", arm_json(comparison.candidate)},
                       {"comparisons", std::move(rows)},
                       {"tripwires", std::move(tripped)},
                       {"lost_prompts", std::move(lost)},
                       {"incomplete", comparison.incomplete},
                       {"not_comparable", comparison.unequal},
                       {"notes", comparison.notes},
                       {"statement", comparison.statement}};
  return result.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace fewstep
