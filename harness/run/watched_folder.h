#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fewstep {

// A folder into which a running training drops checkpoints.

struct WatchedCheckpoint {
  std::string name;  // of its folder, as a plain name
  std::filesystem::path folder;
  std::string state;  // of its files' names, sizes and times: changes when it is written again
  std::filesystem::file_time_type changed;
};

struct WaitingCheckpoint {
  std::string name, wrong;  // what is wrong with one that has rested; empty while its files change
};

class WatchedFolder {
 public:
  // settle: nothing of a checkpoint may have changed for so long, and not between two looks.
  WatchedFolder(std::filesystem::path folder, std::chrono::milliseconds settle)
      : folder_(std::move(folder)), settle_(settle) {}

  // The checkpoints that are whole, the oldest first: every network and configuration is there and has all its bytes,
  // the bytes are written (checkpoints/unwritten_weights.h), and no file has changed lately. waiting: those that are
  // not whole yet. Throws Error (kInput) for what is no folder.
  std::vector<WatchedCheckpoint> look(std::vector<WaitingCheckpoint>* waiting = nullptr);

 private:
  std::filesystem::path folder_;
  std::chrono::milliseconds settle_;
  // As unwritten_weights says, once for each state.
  const std::string& unwritten(const WatchedCheckpoint& checkpoint);
  std::map<std::string, std::string> last_;  // states at the last look
  std::map<std::string, std::pair<std::string, std::string>>
      unwritten_;  // by name: the state, and what was found of it
};

}  // namespace fewstep
