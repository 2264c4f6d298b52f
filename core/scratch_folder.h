#pragma once
#include <filesystem>

namespace fewstep {

// A folder of this process below the system's folder for temporary files, removed at the end with what is in it.
class ScratchFolder {
 public:
  ScratchFolder();  // throws Error (kEnvironment) where none can be made
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace fewstep
