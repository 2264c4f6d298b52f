#include "harness/watched_folder.h"

#include "core/error.h"
#include "core/faults.h"
#include "models/checkpoint.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <tuple>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& folder) {
  std::string name = folder.filename().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == ',' || c == '='; }, '-');
  return name;
}

// Nothing where a file vanishes while we look: somebody writes there.
std::optional<WatchedCheckpoint> state_of(const fs::path& folder) {
  WatchedCheckpoint checkpoint{name_of(folder), folder, "", fs::file_time_type::min()};
  std::set<std::string> lines;
  std::error_code failure;
  for (fs::recursive_directory_iterator file(folder, failure), end; !failure && file != end; file.increment(failure)) {
    std::error_code gone;
    if (!file->is_regular_file(gone)) continue;
    const auto size = file->file_size(gone);
    const auto time = file->last_write_time(gone);
    if (gone) return {};
    checkpoint.changed = std::max(checkpoint.changed, time);
    lines.insert(file->path().string() + " " + std::to_string(size) + " " +
                 std::to_string(time.time_since_epoch().count()) + "\n");
  }
  if (failure) return {};
  for (const std::string& line : lines) checkpoint.state += line;
  return checkpoint;
}

// Headers of all weights against the bytes that are there; no weight is read.
bool is_whole(const fs::path& folder) {
  const c10::InferenceMode inference;
  Faults faults;
  faults.check([&] { check_checkpoint(folder, faults); });
  return faults.count() == 0;
}

}  // namespace

std::vector<WatchedCheckpoint> WatchedFolder::look(std::vector<std::string>* waiting) {
  std::error_code failure;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder_, failure))
    if (entry.is_directory(failure) && !entry.path().filename().string().starts_with("."))
      folders.push_back(entry.path());
  if (failure) throw input_error(folder_.string(), "expected a folder of checkpoints: " + failure.message());
  std::vector<WatchedCheckpoint> whole;
  std::map<std::string, std::string> states;
  for (const fs::path& folder : folders) {
    auto checkpoint = state_of(folder);
    const std::string name = name_of(folder);
    const bool begun = checkpoint && !checkpoint->state.empty();
    if (checkpoint) states[name] = checkpoint->state;
    const bool quiet = begun && last_.contains(name) && last_.at(name) == checkpoint->state &&
                       fs::file_time_type::clock::now() - checkpoint->changed >= settle_;
    if (quiet && is_whole(folder))
      whole.push_back(std::move(*checkpoint));
    else if (waiting && (!checkpoint || begun))
      waiting->push_back(name);
  }
  last_ = std::move(states);
  std::sort(whole.begin(), whole.end(), [](const WatchedCheckpoint& a, const WatchedCheckpoint& b) {
    return std::tie(a.changed, a.name) < std::tie(b.changed, b.name);
  });
  return whole;
}

}  // namespace fewstep
