#pragma once
#include "harness/score.h"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace fewstep {

// fewstep stats: reference statistics of a folder of images.
struct StatsRequest {
  std::filesystem::path images = {};
  std::filesystem::path output = {};  // .npz
  std::string protocol = {};          // of fid; empty: its first
  std::filesystem::path inception = {};
  int resolution = 0;         // 0: as they are; else resized to resolution × resolution (Lanczos, as Pillow)
  std::string crop = "none";  // "center": the middle square first; "none" squashes what is not square
  std::string device = "auto";
  int batch = 16;
  bool skip_broken = false;
};

// Throws Error (kUsage), before anything is loaded.
void check(const StatsRequest& request);

// Crop and resize of the request.
Image prepare(const StatsRequest& request, const Image& image);

// Moments of the measure's rows over the prepared images, written as .npz; one line about it to out.
void write_stats(const StatsRequest& request, const OpenMetric& metric, std::ostream& out, std::ostream& messages);

// The whole command.
void run_stats(const StatsRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
