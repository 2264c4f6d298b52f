#pragma once
#include "core/left_out.h"
#include "core/noise.h"
#include "core/shard.h"
#include "settings/experiment.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// What the commands that need networks were asked for. No LibTorch.

inline constexpr int kMaxBatch = 4096;  // of --batch

// The network of each metric (metrics/catalog.h) that was given, by the metric's name.
using Networks = std::map<std::string, std::filesystem::path, std::less<>>;

// What a run, or an experiment file, is made of when only checkpoints are named.
struct ShortRun {
  std::vector<std::filesystem::path> checkpoints = {};
  std::filesystem::path prompts = {},
                        reference = {};   // captions, or "shapes"; a folder of images, or statistics (.npz)
  std::vector<int> steps = {};            // empty: 1, 2, 4, 8
  std::optional<Guidance> guidance = {};  // nothing: what a student was trained for, else the paper's
  Networks networks = {};
  std::string keep = "8";  // images of the first N prompts; or none, all, extremes
};

// fewstep init: an experiment file to begin with.
struct InitRequest {
  ShortRun short_run = {};
  std::filesystem::path output = {};  // empty: NAME.toml
  bool force = false;
};

// What decides what a run makes of its experiment, and how; settings/run_options.h has a row for each member.
struct RunOptions {
  std::vector<std::string> set = {};       // key=value, over the file's
  std::string only = {};                   // "sampler=lcm steps=4"; empty: every cell
  std::optional<std::int64_t> limit = {};  // prompts
  std::string device = "auto", dtype = "float32", metric_precision = "float32";
  int batch = 0;            // images; 0: chosen by their size
  bool no_sharing = false;  // every cell is computed on its own
  bool operator==(const RunOptions&) const = default;
};

// What another command asks of a run that it starts; users have no option for it.
struct RunForAnother {
  // Of students that are trained first: a folder; empty: results/NAME.trained; nothing: beside the store.
  std::optional<std::filesystem::path> trained = {};
  bool no_timing = false;    // leave [timing] out
  bool scratch = false;      // into a store that is thrown away: its place is not told
  bool score_only = false;   // make nothing: cells that are whole get their scores
  std::string made_on = {};  // score_only: device kind of the images, where they were not made here
};

// fewstep run: plan the cells of an experiment and compute what its store lacks.
struct RunRequest : RunOptions {
  std::filesystem::path experiment = {};
  ShortRun short_run = {};           // instead: cli/short_run.h writes the experiment
  std::filesystem::path store = {};  // empty: results/NAME.sqlite
  bool dry_run = false;
  bool calibrate = false;           // of a dry run: makes two batches of every checkpoint to tell time and memory
  bool verify = false;              // reads a reference folder that the cache knows
  bool retime = false;              // time cells again that are timed already
  bool times_only = false;          // time whole cells again and do nothing else
  std::optional<Shard> shard = {};  // a part of the batches, into a store of its own; nothing: what a launcher says
  RunForAnother inner = {};
};

// fewstep audit: is a store what its experiment makes?
struct AuditRequest {
  std::filesystem::path store = {};
  int images = 64;         // of each cell, about: made again in their own batches
  std::uint64_t seed = 0;  // which ones
  std::string device = "auto";
};

// fewstep merge: the stores of shards, or of parts of an experiment, as one.
struct MergeRequest {
  std::vector<std::filesystem::path> stores = {};
  std::filesystem::path output = {};  // empty: NAME.sqlite beside the first store
  bool mixed = false;                 // images of different machines, equal within rounding only
};

// fewstep sample: images of one checkpoint.
struct SampleRequest {
  std::filesystem::path checkpoint = {};
  std::string sampler = {};  // empty, and steps 0, and no guidance: by what the checkpoint is
  int steps = 0;
  std::optional<Guidance> guidance = {};
  std::optional<std::string> prompt = {};             // one of the two
  std::optional<std::filesystem::path> prompts = {};  // a file of captions
  std::optional<std::int64_t> row = {};               // of prompts: that caption alone
  bool contact_sheet = false;                         // the images as one, OUTPUT.png
  std::string negative_prompt = {};
  std::uint64_t seed = 0;
  std::filesystem::path output = {};                       // folder; empty: samples/NAME, or the first free NAME-N
  bool force = false;                                      // writes over what lies there
  std::optional<std::filesystem::path> latents = {};       // starts from given noise
  std::optional<std::filesystem::path> save_latents = {};  // final latents and float images
  std::optional<Spacing> spacing = {};                     // else trailing, for lcm: lcm
  std::vector<int> times = {};                             // instead of a spacing's
  FinalSigma final_sigma = FinalSigma::kZero;
  int height = 0, width = 0;         // of the images; 0: the checkpoint's
  int original_inference_steps = 0;  // lcm: points of the grid; 0: the checkpoint's own
  std::string device = "auto", dtype = "float32";
  int batch = 0;  // images; 0: chosen by their size
};

// fewstep score: metrics of images made elsewhere.
struct ScoreRequest {
  std::filesystem::path images = {};
  std::optional<std::filesystem::path> reference = {};  // a folder of images, or statistics (.npz)
  std::vector<std::string> metrics = {};                // NAME or NAME:PROTOCOL
  Networks networks = {};
  std::optional<std::filesystem::path> prompts = {};  // one caption for each image, in the order of sorted names
  std::string device = "auto", metric_precision = "float32";
  int batch = 16;
  bool assume_protocol = false;  // take statistics that do not name their protocol
  bool verify = false;           // read a reference folder that the cache knows
  double max_left_out =
      kMaxLeftOut;  // part of the images that may be broken; they are left out, and the scores flagged
  bool json = false;
  // Keeps images and scores in a store as an arm that can be compared; what made them is for people and for matching.
  std::filesystem::path store = {};
  std::string name = {}, sampler = {};  // of the arm: the folder's name; of how it was sampled
  int steps = 0;
  Guidance guidance = {};
};

// fewstep stats: reference statistics of a folder of images.
struct StatsRequest {
  std::filesystem::path images = {};
  std::filesystem::path output = {};  // .npz
  std::string protocol = {};          // of the metric; empty: its first
  Networks networks = {};             // exactly one, and it says which metric's statistics
  int resolution = 0;                 // 0: as they are; else resized to resolution × resolution (Lanczos, as Pillow)
  std::string crop = "none";          // "center": the middle square first; "none" squashes what is not square
  std::string device = "auto", metric_precision = "float32";
  int batch = 16;
  double max_left_out = kMaxLeftOut;
};

// fewstep distill: train what a recipe says.
struct DistillRequest {
  std::filesystem::path recipe = {};
  std::vector<std::string> set = {};  // key=value, over the file's
  std::string device = "auto";
  bool dry_run = false;
  bool again = false;  // train anew what is there already
};

}  // namespace fewstep
