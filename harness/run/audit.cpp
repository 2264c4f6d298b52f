#include "harness/run/audit.h"

#include "core/device.h"
#include "core/error.h"
#include "core/scratch_folder.h"
#include "harness/generate/regenerated.h"
#include "harness/generate/run_facts.h"
#include "harness/run/run.h"
#include "harness/score/run_metrics.h"
#include "images/files.h"
#include "process/environment.h"
#include "store/read_samples.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr double kScores = 1e-9;  // of a score: another machine adds in another order

// What was found, and what of it differs.
struct Findings {
  std::int64_t compared = 0, equal = 0;
  std::int64_t remade = 0;  // pictures of another machine or device than the image's, equal within rounding
  std::vector<std::string> differences;
};

// Why a picture is not the stored one; empty where it is. A file is named after its content: a picture that was remade
// within rounding (harness/generate/remake.h) has its own name.
std::string trouble_of(const StoredImage& stored, const Path& file, const RoundingBounds& bounds) {
  try {
    const Image image = read_image(file);
    const std::string hash = image_hash(image);
    if (hash == stored.image_sha256) return "";
    const bool remade = file.stem() == hash && are_close(stored.fingerprint, fingerprint(image), bounds);
    return remade ? "" : "shows another picture than was stored";
  } catch (const Error& error) {
    return error.what();
  }
}

void check_pictures(Store& store, const StoredTable& table, Findings& found) {
  for (const StoredCell& cell : table.cells) {
    for (const std::int64_t row : prompt_rows_of(store, cell.series_id)) {
      for (int index = 0; index < cell.images_per_prompt; ++index) {
        const auto stored = store.find_image(cell.series_id, row, index);
        if (!stored || stored->image_path.empty()) continue;
        ++found.compared;
        const Path file = stored_image(store, stored->image_path);
        const std::string trouble = trouble_of(*stored, file, rounding_bounds(parse_dtype(cell.key.dtype)));
        if (!trouble.empty()) {
          found.differences.push_back(file.string() + ": " + trouble);
        } else {
          ++(file.stem() == stored->image_sha256 ? found.equal : found.remade);
        }
      }
    }
  }
}

bool agree(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= kScores * std::max(std::abs(a), std::abs(b));
}

void check_scores(Store& store, const StoredTable& table, const RunMetrics& metrics, Findings& found) {
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    const StoredCell& cell = table.cells[i];
    if (cell.state != CellState::kComplete) continue;
    const std::string label = cell_label(cell.key);
    for (const auto& [name, now, stored] : metrics.recompute(store, cell, prompt_rows_of(store, cell.series_id))) {
      ++found.compared;
      if (!stored) {
        found.differences.push_back(label + ": " + name + " is not stored");
      } else if (agree(now.value, stored->value) && agree(now.standard_error, stored->standard_error) &&
                 now.count == stored->count) {
        ++found.equal;
      } else {
        found.differences.push_back(fmt::format("{}: {} is {:.9g} ± {:.9g} of {} images, stored {:.9g} ± {:.9g} of {}",
                                                label, name, now.value, now.standard_error, now.count, stored->value,
                                                stored->standard_error, stored->count));
      }
    }
  }
}

// Whether two runs made an image in batches of one shape.
bool in_equal_batches(Store& a, std::int64_t series_a, Store& b, std::int64_t series_b, std::int64_t row, int index) {
  const auto one = made_in(a, series_a, row, index), other = made_in(b, series_b, row, index);
  return one && other && one->cell_images == other->cell_images && one->together == other->together;
}

// Images of a run that was made again, against the stored ones.
void check_images(Store& store, Store& again, bool same_environment, Findings& found) {
  for (const StoredCell& cell : read_table(again).cells) {
    const auto series = store.find_series(cell.key);
    if (!series) throw input_error("audit", "expected the cells of the stored run, got another checkpoint or setting");
    const RoundingBounds bounds = rounding_bounds(parse_dtype(cell.key.dtype));
    for (const auto& [row, index] : again.finished(cell.series_id, {})) {
      const auto stored = store.find_image(*series, row, index), now = again.find_image(cell.series_id, row, index);
      if (!stored) continue;  // of a cell that is not whole
      ++found.compared;
      const bool equal = stored->image_sha256 == now->image_sha256 && stored->seed == now->seed;
      found.equal += equal;
      if (equal) continue;
      const bool may_round = !same_environment || !in_equal_batches(store, *series, again, cell.series_id, row, index);
      if (may_round && are_close(stored->fingerprint, now->fingerprint, bounds)) continue;
      found.differences.push_back(fmt::format("{} {} steps, prompt row {} image {}: made again it is {}…, stored {}…",
                                              cell.key.sampler, cell.key.steps, row, index,
                                              now->image_sha256.substr(0, 12), stored->image_sha256.substr(0, 12)));
    }
  }
}

std::string text_of(const char* what, const Findings& found) {
  const auto close = found.compared - found.equal - found.remade - static_cast<std::int64_t>(found.differences.size());
  return fmt::format("{}: {} compared, {} equal{}{}{}\n", what, found.compared, found.equal,
                     close > 0 ? fmt::format(", {} within rounding", close) : "",
                     found.remade > 0 ? fmt::format(", {} remade elsewhere, within rounding", found.remade) : "",
                     found.differences.empty() ? "" : fmt::format(", {} DIFFER", found.differences.size()));
}

// One shard of so many that each cell makes about the wanted images again, in the batches in which they were made.
Shard some_batches(const StoredTable& table, int batch, int images, std::uint64_t seed) {
  std::int64_t most = 1;
  for (const StoredCell& cell : table.cells) most = std::max(most, cell.expected_images);
  const std::int64_t batches = (most + batch - 1) / batch, wanted = std::max(1, (images + batch - 1) / batch);
  const auto count = static_cast<int>(std::max<std::int64_t>(1, batches / wanted));
  return {static_cast<int>(seed % static_cast<std::uint64_t>(count)) + 1, count};
}

}  // namespace

int run_audit(const AuditRequest& given, std::ostream& out, std::ostream& messages) {
  Store store = Store::open(given.store, Store::Mode::kRead);
  const StoredTable table = read_table(store);
  RunRequest request = request_of(table.facts, given.store);
  const Experiment experiment =
      read_experiment(request.experiment, request.set, request.only, nullptr, trained_folder(request));
  const auto blocks = check_features(store);
  out << "features: " << blocks << " files have the content of their hash\n";
  std::vector<Findings> all(3);
  check_pictures(store, table, all[0]);
  out << text_of("pictures", all[0]) << std::flush;
  const ScratchFolder scratch;
  {
    const c10::InferenceMode inference;
    RunMetrics metrics(experiment, {at::kCPU, at::kFloat});
    metrics.read_references(experiment, scratch.path() / "references", KnownFolders::kIgnore, messages);
    check_scores(store, table, metrics, all[1]);
  }
  out << text_of("scores", all[1]) << std::flush;
  request.store = scratch.path() / "again.sqlite";
  request.inner.no_timing = request.inner.scratch = true;
  if (given.device != "auto") request.device = given.device;
  const at::Device device = parse_device(request.device);
  if (request.batch == 0 && !table.cells.empty()) {
    const CellKey& series = table.cells.front().key;
    request.batch = default_batch({series.height, series.width}, device.is_cuda());
  }
  request.shard = some_batches(table, request.batch, given.images, given.seed);
  const Shard shard = *request.shard;
  const int code = run_experiment(
      request, [](Store&, std::int64_t) {}, messages, messages);
  if (code != 0) return code;
  Store made = Store::open(shard_store(request.store, shard), Store::Mode::kRead);
  check_images(store, made, environment_json(device) == table.environment_json, all[2]);
  out << text_of("images made again", all[2]) << std::flush;
  std::string first;
  std::size_t differences = 0;
  for (const Findings& found : all) {
    for (const std::string& difference : found.differences)
      if (++differences <= 5) first += "\n  " + difference;
  }
  if (differences == 0) return 0;
  throw input_error(given.store.string(), fmt::format("expected what its experiment makes, got {} differences:{}{}",
                                                      differences, first, (differences > 5 ? "\n  …" : "")));
}

}  // namespace fewstep
