#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// fewstep run: plan the cells of an experiment and compute what its store lacks.
struct RunRequest {
  std::filesystem::path experiment = {};
  std::filesystem::path store = {};        // empty: results/NAME.sqlite
  std::vector<std::string> set = {};       // key=value, over the file's
  std::string only = {};                   // "sampler=lcm steps=4"; empty: every cell
  std::optional<std::int64_t> limit = {};  // prompts
  std::string device = "auto", dtype = "float32";
  int batch = 0;  // images; 0: chosen by their size
  bool dry_run = false;
  bool no_sharing = false;  // cells share no evaluations yet: every cell is computed on its own either way
  bool retime = false;      // time cells again that are timed already
};

}  // namespace fewstep
