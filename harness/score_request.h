#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// fewstep score: metrics of images made elsewhere.
struct ScoreRequest {
  std::filesystem::path images = {};
  std::optional<std::filesystem::path> reference = {};  // a folder of images, or statistics (.npz)
  std::vector<std::string> metrics = {};                // NAME or NAME:PROTOCOL
  std::filesystem::path inception = {};                 // weights of fid
  std::filesystem::path clip = {};                      // folder of clip-score's model
  std::filesystem::path feature_net = {};               // folder of fd-pocket's model
  std::optional<std::filesystem::path> prompts = {};    // one caption for each image, in the order of sorted names
  std::string device = "auto";
  int batch = 16;
  bool assume_protocol = false;  // take statistics that do not name their protocol
  bool skip_broken = false;      // leave out images that cannot be decoded, and flag the scores
  bool json = false;
};

// fewstep stats: reference statistics of a folder of images.
struct StatsRequest {
  std::filesystem::path images = {};
  std::filesystem::path output = {};  // .npz
  std::string protocol = {};          // of the metric; empty: its first
  // Exactly one, and it says which metric's statistics: fid's, fd-pocket's.
  std::filesystem::path inception = {}, feature_net = {};
  int resolution = 0;         // 0: as they are; else resized to resolution × resolution (Lanczos, as Pillow)
  std::string crop = "none";  // "center": the middle square first; "none" squashes what is not square
  std::string device = "auto";
  int batch = 16;
  bool skip_broken = false;
};

}  // namespace fewstep
