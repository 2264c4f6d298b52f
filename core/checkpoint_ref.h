#pragma once
#include <compare>
#include <concepts>
#include <filesystem>
#include <string>
#include <utility>

namespace fewstep {

// Which weights: what a checkpoint is loaded from, and is one by. A folder alone is one, too.
struct CheckpointRef {
  CheckpointRef() = default;
  template <std::convertible_to<std::filesystem::path> Folder>
  CheckpointRef(Folder&& from) : folder(std::forward<Folder>(from)) {}

  std::filesystem::path folder;  // in diffusers layout

  std::string label() const { return folder.string(); }  // for people, and in stores
  auto operator<=>(const CheckpointRef&) const = default;
};

}  // namespace fewstep
