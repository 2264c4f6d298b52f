#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// fewstep distill: train what a recipe says.
struct DistillRequest {
  std::filesystem::path recipe = {};
  std::vector<std::string> set = {};  // key=value, over the file's
  std::string device = "auto";
  bool dry_run = false;
  bool again = false;  // train anew what is there already
};

}  // namespace fewstep
