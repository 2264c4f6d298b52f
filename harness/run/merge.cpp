#include "harness/run/merge.h"

#include "core/error.h"
#include "harness/generate/run_facts.h"
#include "store/merge.h"
#include "store/read.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path output_of(const MergeRequest& request) {
  if (!request.output.empty()) return request.output;
  const Path& first = request.stores.front();
  if (const auto whole = whole_store(first)) return *whole;
  throw usage_error("merge", "expected -o FILE, for " + first.string() + " is not named as a shard's store");
}

void check(const std::vector<Path>& stores, const Path& output) {
  std::error_code ignored;
  for (const Path& store : stores) {
    if (std::filesystem::equivalent(store, output, ignored))
      throw usage_error("merge", "expected an output that is none of the merged stores, got " + output.string());
  }
}

// How the newest run of a store was asked for, for the merged store.
RunRequest request_for(const Path& shard, const Path& output) {
  Store store = Store::open(shard, Store::Mode::kRead);
  const auto runs = read_runs(store);
  if (runs.empty()) throw input_error(shard.string(), "expected a store with a run, got one without");
  RunRequest request = request_of(read_facts(store, runs.back().id), shard);
  request.store = output;
  request.inner.score_only = request.inner.no_timing = true;
  request.device = "cpu";  // scores come from stored rows
  const auto made = nlohmann::json::parse(environment_json(store, runs.back().environment_id), nullptr, false);
  if (made.is_object()) request.inner.made_on = made.value("device_kind", "cpu");
  return request;
}

// Takes all of them over; a new output is removed again where that fails.
MergeCount merge_all(const MergeRequest& request, const Path& output, std::ostream& messages) {
  std::error_code ignored;
  const bool is_new = !std::filesystem::exists(output, ignored);
  MergeCount sum;
  try {
    Store store = Store::open(output, Store::Mode::kWrite);
    for (const Path& path : request.stores) {
      const MergeCount count = merge_into(store, path, {request.mixed});
      messages << fmt::format("{}: {} images taken over, {} there already\n", path.string(), count.samples,
                              count.present);
      sum.samples += count.samples;
      sum.metric_rows += count.metric_rows;
      sum.timings += count.timings;
    }
  } catch (...) {
    if (is_new) Store::remove(output);
    throw;
  }
  return sum;
}

}  // namespace

int run_merge(const MergeRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages) {
  const Path output = output_of(request);
  check(request.stores, output);
  const MergeCount sum = merge_all(request, output, messages);
  if (sum.samples + sum.metric_rows + sum.timings == 0) {
    Store store = Store::open(output, Store::Mode::kRead);
    const auto runs = read_runs(store);
    if (!runs.empty() && runs.back().state == "complete") {
      show(store, runs.back().id);
      messages << "nothing is new in " << output.string() << std::endl;
      return 0;
    }
  }
  return run_experiment(request_for(request.stores.front(), output), show, out, messages);
}

}  // namespace fewstep
