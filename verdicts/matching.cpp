#include "verdicts/matching.h"

#include "reports/number_text.h"
#include "reports/provenance.h"
#include "reports/scores.h"
#include "store/influence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace fewstep {
namespace {

using Cells = std::vector<const StoredCell*>;

std::set<std::string> samplers_of(const Cells& cells) {
  std::set<std::string> names;
  for (const StoredCell* cell : cells) names.insert(cell->key.sampler);
  return names;
}

Cells those(const Arm& arm, const std::vector<bool>& which) {
  Cells cells;
  for (std::size_t i = 0; i < which.size(); ++i)
    if (which[i]) cells.push_back(&arm.table.cells[i]);
  return cells;
}

// The clauses are about the baseline: a candidate that has no such names is taken whole.
std::vector<bool> fits_candidate(const Arm& candidate, const std::string& clauses) {
  try {
    return fits(candidate.table.cells, clauses);
  } catch (const Error&) {
    return std::vector<bool>(candidate.table.cells.size(), true);
  }
}

struct Key {
  std::string sampler;  // empty where the arms have none in common
  int steps = 0;
  double omega = 0;
  auto operator<=>(const Key&) const = default;
};

Key key_of(const StoredCell& cell, bool by_sampler) {
  return {by_sampler ? cell.key.sampler : "", cell.key.steps, cell.key.omega};
}

CellKey grid_of(const StoredCell& cell) { return part_of(cell.key, kFine); }

std::string grid_text(const CellKey& key) {
  std::string text = key.spacing;
  if (key.final_sigma != "zero") text += fmt::format(", final sigma {}", key.final_sigma);
  if (key.original_inference_steps > 0) text += fmt::format(", {} original steps", key.original_inference_steps);
  return text + later_axes_text(key);
}

std::string guidance_text(const CellKey& key) {
  return key.given_as_guidance_scale ? fmt::format("s {:.6g}", key.omega + 1) : fmt::format("ω {:.6g}", key.omega);
}

std::string label_of(const StoredCell& a, const StoredCell& b) {
  const StoredCell& cell = made_elsewhere(a) ? b : a;
  const CellKey& key = cell.key;
  if (made_elsewhere(cell)) return a.key.checkpoint_name == b.key.checkpoint_name ? a.key.checkpoint_name : "images";
  const std::string sampler =
      a.key.sampler == b.key.sampler || made_elsewhere(a) || made_elsewhere(b) ? key.sampler + " · " : "";
  return fmt::format("{}{} step{} · {}", sampler, key.steps, key.steps == 1 ? "" : "s", guidance_text(key));
}

// The values of cells along an axis, "7 and 8".
template <class Text>
std::string values_of(const Cells& cells, const Text& text) {
  std::vector<std::string> seen;
  for (const StoredCell* cell : cells)
    if (const std::string one = text(cell->key); !std::ranges::count(seen, one)) seen.push_back(one);
  return fmt::format("{}", fmt::join(seen, " and "));
}

// The axes along which no cell of one arm has a value of the other's: "ω 7 against ω 8".
std::vector<std::string> differing_axes(const Cells& ours, const Cells& theirs) {
  std::vector<std::string> axes;
  const auto check = [&](const auto& text) {
    const bool common = std::ranges::any_of(ours, [&](const StoredCell* a) {
      return std::ranges::any_of(theirs, [&](const StoredCell* b) { return text(a->key) == text(b->key); });
    });
    if (!common) axes.push_back(values_of(ours, text) + " against " + values_of(theirs, text));
  };
  check([](const CellKey& key) { return fmt::format("{} step{}", key.steps, key.steps == 1 ? "" : "s"); });
  check([](const CellKey& key) { return fmt::format("ω {:.6g}", key.omega); });
  return axes;
}

// Says what differs: "prompts differ: a here, b there".
class Differences {
 public:
  explicit Differences(std::vector<std::string>& list) : list_(list) {}
  template <typename Value>
  void expect_equal(const char* what, const Value& a, const Value& b) {
    if (!(a == b)) list_.push_back(fmt::format("{}: {} in the baseline, {} in the candidate", what, a, b));
  }

 private:
  std::vector<std::string>& list_;
};

std::string gap_text(const char* arm, const StoredCell& cell) {
  std::string text = fmt::format("{}: {}", arm, state_text(cell));
  return cell.message.empty() ? text : text + " (" + cell.message + ")";
}

void check_metrics(CellPair& pair) {
  const auto name = [](const ScoreKey& key) { return key.metric.name + ":" + key.metric.protocol; };
  std::map<std::string, ScoreKey> ours, theirs;
  for (const ScoreKey& key : score_keys({*pair.baseline})) ours.emplace(name(key), key);
  for (const ScoreKey& key : score_keys({*pair.candidate})) theirs.emplace(name(key), key);
  for (const auto& [metric, key] : ours) {
    const auto found = theirs.find(metric);
    if (found == theirs.end()) {
      const bool other_protocol =
          std::any_of(theirs.begin(), theirs.end(),
                      [&wanted = key.metric.name](const auto& other) { return other.second.metric.name == wanted; });
      (other_protocol ? pair.unequal : pair.incomplete)
          .push_back(other_protocol
                         ? "protocol of " + key.metric.name + ": " + key.metric.protocol + " in the baseline alone"
                         : "candidate: " + metric + " is missing");
      continue;
    }
    Differences differences(pair.unequal);
    differences.expect_equal(("network of " + metric).c_str(), short_hash(key.metric.model_hash),
                             short_hash(found->second.metric.model_hash));
    differences.expect_equal(("version of " + metric).c_str(), key.metric.version, found->second.metric.version);
    differences.expect_equal(("reference of " + metric).c_str(), short_hash(key.reference_hash),
                             short_hash(found->second.reference_hash));
  }
  for (const auto& [metric, key] : theirs)
    if (!ours.contains(metric)) pair.notes.push_back(metric + " is in the candidate alone and not compared");
  if (ours.empty()) pair.incomplete.push_back("baseline: no metric");
}

void check_latents(CellPair& pair, bool unequal_noise) {
  const std::string &ours = pair.baseline->digest.latents_sha256, &theirs = pair.candidate->digest.latents_sha256;
  if (ours.empty() || theirs.empty()) {
    pair.notes.push_back("initial latents of an arm are not known, so that noise may add to the difference");
  } else if (ours != theirs) {
    const std::string what = fmt::format("initial latents differ (seed {} in the baseline, {} in the candidate)",
                                         pair.baseline->key.seed, pair.candidate->key.seed);
    if (unequal_noise)
      pair.notes.push_back(what + ", as was asked for");
    else
      pair.unequal.push_back(what + "; --unequal-noise compares them, with the wider intervals of independent noise");
  }
}

void check_captions(CellPair& pair, const Arm& baseline, const Arm& candidate, bool same_images) {
  const StoredCell &a = *pair.baseline, &b = *pair.candidate;
  const bool same_captions = same_images && prompts_hash(*baseline.store, a) == prompts_hash(*candidate.store, b);
  const std::string &ours = a.key.prompt_source, &theirs = b.key.prompt_source;
  if (ours != theirs) {
    pair.unequal.push_back(fmt::format(
        "caption source: {} in the baseline, {} in the candidate{}", short_hash(ours), short_hash(theirs),
        same_captions ? "; the captions are the same, so the files differ in line ends or other columns" : ""));
  } else if (same_images && !same_captions) {
    pair.unequal.push_back("captions: other rows or texts of the same source");
  }
}

void check_pair(CellPair& pair, const Arm& baseline, const Arm& candidate, bool unequal_noise) {
  const StoredCell &a = *pair.baseline, &b = *pair.candidate;
  if (a.state != CellState::kComplete) pair.incomplete.push_back(gap_text("baseline", a));
  if (b.state != CellState::kComplete) pair.incomplete.push_back(gap_text("candidate", b));
  Differences unequal(pair.unequal), notes(pair.notes);
  unequal.expect_equal("images", a.expected_images, b.expected_images);
  unequal.expect_equal("images per prompt", a.images_per_prompt, b.images_per_prompt);
  const auto size_text = [](const CellKey& key) {
    return key.width == 0 ? std::string("several") : fmt::format("{} x {}", key.width, key.height);
  };
  unequal.expect_equal("size", size_text(a.key), size_text(b.key));
  if (!pair.incomplete.empty()) return;
  const bool same_images = pair.unequal.empty();
  check_captions(pair, baseline, candidate, same_images);
  check_metrics(pair);
  if (same_images) check_latents(pair, unequal_noise);  // else there are more or other latents, whatever their seed
  if (made_elsewhere(a) || made_elsewhere(b)) return;
  const bool one_checkpoint = a.key.checkpoint_sha256 == b.key.checkpoint_sha256;
  Differences grid(one_checkpoint ? pair.unequal : pair.notes);
  grid.expect_equal("sampler", a.key.sampler, b.key.sampler);
  grid.expect_equal("times", grid_text(a.key), grid_text(b.key));
  notes.expect_equal("negative prompt", a.key.negative_prompt, b.key.negative_prompt);
  notes.expect_equal("dtype", a.key.dtype, b.key.dtype);
  notes.expect_equal("device", a.key.device_kind, b.key.device_kind);
}

class Matcher {
 public:
  Matcher(const Arm& baseline, const Arm& candidate, const std::string& clauses)
      : ours_(those(baseline, fits_gate(baseline, clauses))),
        theirs_(those(candidate, fits_candidate(candidate, clauses))) {
    const auto ours = samplers_of(ours_), theirs = samplers_of(theirs_);
    by_sampler_ = std::any_of(ours.begin(), ours.end(), [&](const std::string& name) { return theirs.contains(name); });
  }

  Matching run() {
    const auto elsewhere = [](const Cells& cells) {
      return std::any_of(cells.begin(), cells.end(), [](const StoredCell* cell) { return made_elsewhere(*cell); });
    };
    if ((elsewhere(ours_) || elsewhere(theirs_)) && ours_.size() == 1 && theirs_.size() == 1) {
      add(*ours_.front(), *theirs_.front());
      return std::move(matching_);
    }
    std::map<Key, std::pair<Cells, Cells>> groups;
    std::vector<Key> order;
    for (const StoredCell* cell : ours_) {
      auto& group = groups[key_of(*cell, by_sampler_)];
      if (group.first.empty()) order.push_back(key_of(*cell, by_sampler_));
      group.first.push_back(cell);
    }
    for (const StoredCell* cell : theirs_) groups[key_of(*cell, by_sampler_)].second.push_back(cell);
    for (const Key& key : order) match_group(groups.at(key).first, groups.at(key).second);
    for (const auto& [key, group] : groups)
      if (group.first.empty())
        for (const StoredCell* cell : group.second)
          matching_.notes.push_back(name_of_cell(*cell) + " is in the candidate alone and not compared");
    if (matching_.pairs.empty() && matching_.unequal.empty()) {
      matching_.incomplete.clear();
      const auto axes = differing_axes(ours_, theirs_);
      if (!axes.empty()) matching_.notes.clear();
      matching_.unequal.push_back("no cell of the baseline has its like in the candidate" +
                                  (axes.empty() ? "" : fmt::format(": {}", fmt::join(axes, ", "))));
    }
    return std::move(matching_);
  }

 private:
  static std::string name_of_cell(const StoredCell& cell) { return label_of(cell, cell); }

  void add(const StoredCell& a, const StoredCell& b) {
    matching_.pairs.push_back({&a, &b, label_of(a, b), {}, {}, {}});
  }

  void match_group(const Cells& ours, const Cells& theirs) {
    if (theirs.empty()) {
      for (const StoredCell* cell : ours)
        matching_.incomplete.push_back(name_of_cell(*cell) + " is missing in the candidate");
      return;
    }
    if (ours.size() == 1 && theirs.size() == 1) return add(*ours.front(), *theirs.front());
    for (const StoredCell* cell : ours) {
      Cells like;
      for (const StoredCell* other : theirs)
        if (grid_of(*cell) == grid_of(*other) && cell->key.sampler == other->key.sampler) like.push_back(other);
      const auto twins = std::count_if(ours.begin(), ours.end(), [&](const StoredCell* other) {
        return grid_of(*cell) == grid_of(*other) && cell->key.sampler == other->key.sampler;
      });
      if (like.size() == 1 && twins == 1)
        add(*cell, *like.front());
      else
        matching_.unequal.push_back(
            fmt::format("{}: {} cells of the baseline and {} of the candidate match; --only, or "
                        "STORE#CHECKPOINT, says which are meant",
                        name_of_cell(*cell), ours.size(), theirs.size()));
    }
  }

  const Cells ours_, theirs_;
  bool by_sampler_ = false;
  Matching matching_;
};

}  // namespace

std::vector<bool> fits_gate(const Arm& baseline, const std::string& clauses) {
  try {
    return fits(baseline.table.cells, clauses);
  } catch (const Error& error) {
    throw usage_error("gate", "cells = \"" + clauses + "\" of the baseline: " + std::string(error.what()));
  }
}

Matching match(const Arm& baseline, const Arm& candidate, const Gate& gate) {
  Matching matching = Matcher(baseline, candidate, gate.cells).run();
  for (CellPair& pair : matching.pairs) check_pair(pair, baseline, candidate, gate.unequal_noise);
  return matching;
}

}  // namespace fewstep
