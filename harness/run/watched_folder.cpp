#include "harness/run/watched_folder.h"

#include "checkpoints/checkpoint.h"
#include "checkpoints/unwritten_weights.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/plain_names.h"

#include <c10/core/InferenceMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

// Nothing where a file vanishes while we look: somebody writes there.
std::optional<WatchedCheckpoint> state_of(const fs::path& folder) {
  WatchedCheckpoint checkpoint{"", folder, "", fs::file_time_type::min()};
  std::set<std::string> lines;
  std::error_code failure;
  for (fs::recursive_directory_iterator file(folder, failure), end; !failure && file != end; file.increment(failure)) {
    std::error_code gone;
    if (!file->is_regular_file(gone)) continue;
    const auto size = file->file_size(gone);
    const auto time = file->last_write_time(gone);
    if (gone) return {};
    checkpoint.changed = std::max(checkpoint.changed, time);
    lines.insert(fmt::format("{} {} {}\n", file->path().string(), size, time.time_since_epoch().count()));
  }
  if (failure) return {};
  for (const std::string& line : lines) checkpoint.state += line;
  return checkpoint;
}

// Headers of all weights against the bytes that are there; no weight is read. Empty where the checkpoint is whole.
std::string what_is_wrong(const fs::path& folder) {
  const c10::InferenceMode inference;
  Faults faults;
  faults.check([&] { check_checkpoint(folder, faults); });
  try {
    faults.finish(folder.string());
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

const std::string& WatchedFolder::unwritten(const WatchedCheckpoint& checkpoint) {
  auto& [state, found] = unwritten_[checkpoint.name];
  if (state != checkpoint.state) {
    state = checkpoint.state;
    found = unwritten_weights(checkpoint.folder);
  }
  return found;
}

std::vector<WatchedCheckpoint> WatchedFolder::look(std::vector<WaitingCheckpoint>* waiting) {
  std::error_code failure;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder_, failure))
    if (entry.is_directory(failure) && !entry.path().filename().string().starts_with("."))
      folders.push_back(entry.path());
  if (failure) throw input_error(folder_.string(), "expected a folder of checkpoints: " + failure.message());
  std::ranges::sort(folders);
  std::set<std::string> taken;
  std::vector<WatchedCheckpoint> whole;
  std::map<std::string, std::string> states;
  for (const fs::path& folder : folders) {
    auto checkpoint = state_of(folder);
    const std::string name = new_plain_name(folder.filename().string(), taken);
    if (checkpoint) checkpoint->name = name;
    const bool begun = checkpoint && !checkpoint->state.empty();
    if (checkpoint) states[name] = checkpoint->state;
    const bool quiet = begun && last_.contains(name) && last_.at(name) == checkpoint->state &&
                       fs::file_time_type::clock::now() - checkpoint->changed >= settle_;
    std::string wrong = quiet ? what_is_wrong(folder) : "";
    if (quiet && wrong.empty()) wrong = unwritten(*checkpoint);
    if (quiet && wrong.empty())
      whole.push_back(std::move(*checkpoint));
    else if (waiting && (!checkpoint || begun))
      waiting->push_back({name, wrong});
  }
  last_ = std::move(states);
  std::sort(whole.begin(), whole.end(), [](const WatchedCheckpoint& a, const WatchedCheckpoint& b) {
    return std::tie(a.changed, a.name) < std::tie(b.changed, b.name);
  });
  return whole;
}

}  // namespace fewstep
