#include "cli/watch.h"

#include "checkpoints/checkpoint_info.h"
#include "core/error.h"
#include "core/faults.h"
#include "harness/run/run.h"
#include "harness/run/watched_folder.h"
#include "process/interrupt.h"
#include "reports/number_text.h"
#include "settings/experiment.h"
#include "settings/toml/text.h"
#include "verdicts/judge.h"
#include "verdicts/printers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <set>
#include <thread>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kBaselineFact = "watch baseline", kBaselineHash = "watch baseline SHA-256";

// The hash of the checkpoint of that name in a run; empty where the run has none.
std::string hash_in(const StoredTable& table, const std::string& name) {
  for (const StoredCell& cell : table.cells)
    if (cell.key.checkpoint_name == name) return cell.key.checkpoint_sha256;
  return "";
}

class Watch {
 public:
  Watch(const WatchRequest& request, std::ostream& out, std::ostream& messages)
      : request_(request),
        out_(out),
        messages_(messages),
        folder_(request.folder, std::chrono::milliseconds(static_cast<std::int64_t>(1000 * request.interval))) {
    Faults later;  // what the template's own checkpoint lacks does not matter, and of the rest each run tells
    const Experiment experiment = read_experiment(request.experiment, request.set, "", &later);
    store_ = request.store.empty() ? Path("results") / (experiment.name + ".sqlite") : request.store;
    if (request.gate) gate_ = read_gate(*request.gate);
  }

  int run() {
    catch_interrupts();
    std::string waited;
    while (!interrupted()) {
      std::vector<WaitingCheckpoint> waiting;
      const auto whole = folder_.look(&waiting);
      tell_what_is_wrong(waiting);
      choose_baseline(whole);
      if (request_.until && static_cast<std::int64_t>(scored_.size()) >= *request_.until) return 0;
      if (const WatchedCheckpoint* next = next_of(whole)) {
        const int code = score(*next);
        if (code == static_cast<int>(ExitCode::kInterrupted)) return code;
        continue;
      }
      const std::string text =
          fmt::format("{} checkpoints scored; waiting{}", scored_.size(),
                      waiting.empty() ? " for the next" : " for " + waiting.front().name + " to be whole");
      if (text != waited) messages_ << text << std::endl;
      waited = text;
      pause();
    }
    return 0;
  }

 private:
  // Of a folder at rest, which may be no checkpoint at all: each text once.
  void tell_what_is_wrong(const std::vector<WaitingCheckpoint>& waiting) {
    for (const auto& [name, wrong] : waiting)
      if (!wrong.empty() && told_.insert(name + wrong).second)
        messages_ << name << " is passed over until it changes: " << wrong << std::endl;
  }

  // The template's checkpoint is this one.
  std::vector<std::string> settings_for(const WatchedCheckpoint& checkpoint) const {
    auto set = request_.set;
    set.push_back("checkpoint.0.name=" + quoted_toml(checkpoint.name));
    set.push_back("checkpoint.0.path=" + quoted_toml(std::filesystem::absolute(checkpoint.folder).string()));
    return set;
  }

  void pause() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(request_.interval);
    while (!interrupted() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  bool is_arm(const std::string& text) const {
    return text.find('#') != std::string::npos || std::filesystem::is_regular_file(text);
  }

  // It stays the weights that it was when the watch began, also after the watch was killed or its folder overwritten.
  void choose_baseline(const std::vector<WatchedCheckpoint>& whole) {
    if (!baseline_.empty()) return;
    baseline_ = request_.baseline;
    if (!is_arm(baseline_) && Store::is_there(store_)) read_baseline();
    if (baseline_.empty() && !whole.empty()) baseline_ = whole.front().name;
  }

  // As an earlier watch on this store left it.
  void read_baseline() {
    Store store = Store::open(store_, Store::Mode::kRead);
    const auto runs = read_runs(store);
    for (const StoredRun& run : runs) {
      auto facts = read_facts(store, run.id);
      const std::string name = facts[std::string(kBaselineFact)];
      if (name.empty() || (!request_.baseline.empty() && name != request_.baseline)) continue;
      baseline_ = name;
      baseline_hash_ = facts[std::string(kBaselineHash)];
    }
    for (const StoredRun& run : runs) note_baseline(store, run.id);
  }

  // A run of the baseline: its weights, where they are not known yet, and else whether the run is of the same.
  void note_baseline(Store& store, std::int64_t run) {
    const StoredTable table = read_table(store, run);
    const std::string hash = hash_in(table, baseline_);
    if (hash.empty()) return;
    if (baseline_hash_.empty()) baseline_hash_ = hash;
    if (hash == baseline_hash_ && (table.run.state == "complete" || baseline_run_ == 0)) baseline_run_ = run;
  }

  const WatchedCheckpoint* next_of(const std::vector<WatchedCheckpoint>& whole) {
    const auto is_open = [&](const WatchedCheckpoint& one) {
      const auto known = done_.find(one.name);
      return known == done_.end() || known->second != one.state;
    };
    for (const WatchedCheckpoint& one : whole)
      if (one.name == baseline_ && is_open(one)) return &one;
    for (auto one = whole.rbegin(); one != whole.rend(); ++one)
      if (is_open(*one)) return &*one;
    return nullptr;
  }

  // Whether the store has all cells of exactly these weights.
  bool is_stored(const WatchedCheckpoint& checkpoint) const {
    if (!Store::is_there(store_)) return false;
    try {
      const Arm arm = open_arm(store_.string() + "#" + checkpoint.name, "");
      const std::string hash = inspect_checkpoint(checkpoint.folder).hash;
      return std::all_of(arm.table.cells.begin(), arm.table.cells.end(), [&](const StoredCell& cell) {
        return cell.state == CellState::kComplete && cell.key.checkpoint_sha256 == hash;
      });
    } catch (const Error&) {
      return false;
    }
  }

  int score(const WatchedCheckpoint& checkpoint) {
    done_[checkpoint.name] = checkpoint.state;
    if (!is_stored(checkpoint)) {
      messages_ << "scoring " << checkpoint.name << std::endl;
      RunRequest run;
      static_cast<RunOptions&>(run) = request_;
      run.experiment = request_.experiment;
      run.store = store_;
      run.set = settings_for(checkpoint);
      run.only = "checkpoint=" + checkpoint.name + (request_.only.empty() ? "" : " " + request_.only);
      const auto note = [&](Store& store, std::int64_t id) {
        note_baseline(store, id);
        store.set_fact(id, std::string(kBaselineFact), baseline_);
        store.set_fact(id, std::string(kBaselineHash), baseline_hash_);
      };
      try {
        const int code = run_experiment(run, note, messages_, messages_);
        if (code != 0 && code != static_cast<int>(ExitCode::kIncomplete)) return code;
      } catch (const Error& error) {
        if (error.code() == ExitCode::kEnvironment) throw;
        out_ << checkpoint.name << ": not scored: " << error.what() << std::endl;
        return 0;
      }
    }
    scored_.insert(checkpoint.name);
    tell(checkpoint.name);
    return 0;
  }

  void tell(const std::string& name) {
    const Arm candidate = open_arm(store_.string() + "#" + name, request_.only);
    note_best(candidate, name);
    if (name == baseline_ && baseline_run_ == 0) note_baseline(*candidate.store, candidate.table.run.id);
    const std::string hash = hash_in(candidate.table, name);
    if (name == baseline_ && hash != baseline_hash_)
      messages_ << fmt::format(
          "{} was overwritten with other weights ({:.8}…); the baseline is what run {} scored "
          "({:.8}…)\n",
          name, hash, baseline_run_, baseline_hash_);
    if (name == baseline_ && hash == baseline_hash_) {
      out_ << name << ": scored; it is the baseline" << std::endl;
      for (const StoredCell& cell : candidate.table.cells) tell_cell(cell);
      return;
    }
    const std::string part = baseline_run_ > 0 ? std::to_string(baseline_run_) : baseline_;
    const Arm baseline = open_arm(is_arm(baseline_) ? baseline_ : store_.string() + "#" + part, request_.only);
    const Comparison comparison = judge(baseline, candidate, match(baseline, candidate, gate_), gate_);
    out_ << name << ", against " << baseline_ << ": " << headline_of(comparison) << "\n";
    for (const ComparedRow& row : comparison.rows)
      if (row.metric != kLatency)
        out_ << fmt::format("  {}  {}  {} to {}  {} ({})  {}\n", row.cell, metric_text(row),
                            number_text(row.baseline, row), number_text(row.candidate, row), difference_text(row),
                            interval_text(row), verdict_text(row));
    for (const std::string& text : comparison.incomplete) out_ << "  incomplete: " << text << "\n";
    for (const std::string& text : comparison.unequal) out_ << "  not comparable: " << text << "\n";
    tell_best(name);
    out_.flush();
  }

  void tell_cell(const StoredCell& cell) {
    for (const StoredScore& score : cell.scores)
      out_ << fmt::format("  {} {}: {} {}\n", cell.key.sampler, cell.key.steps, score.metric.name,
                          score_text(score.score));
    out_.flush();
  }

  // By the first metric of the first cell: one number a checkpoint.
  void note_best(const Arm& arm, const std::string& name) {
    if (arm.table.cells.empty() || arm.table.cells.front().scores.empty()) return;
    const StoredScore& score = arm.table.cells.front().scores.front();
    if (!std::isfinite(score.score.value)) return;
    numbers_[name] = score.metric.higher_is_better ? -score.score.value : score.score.value;
    best_metric_ = score.metric.name;
  }
  void tell_best(const std::string& name) {
    const auto best = std::min_element(numbers_.begin(), numbers_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best != numbers_.end() && best->first == name && numbers_.size() > 1)
      out_ << fmt::format("  the best {} so far, of {}; the best of many is flattered by chance, so this is no claim\n",
                          best_metric_, numbers_.size());
  }

  const WatchRequest& request_;
  std::ostream &out_, &messages_;
  WatchedFolder folder_;
  Path store_;
  Gate gate_;
  std::string baseline_, baseline_hash_, best_metric_;
  std::int64_t baseline_run_ = 0;  // of the store, that scored these weights last; 0: none yet, or it is in another one
  std::map<std::string, std::string> done_;  // states of checkpoints that were scored, or cannot be
  std::set<std::string> told_;
  std::set<std::string> scored_;
  std::map<std::string, double> numbers_;  // lower is better
};

}  // namespace

int run_watch(const WatchRequest& request, std::ostream& out, std::ostream& messages) {
  return Watch(request, out, messages).run();
}

}  // namespace fewstep
