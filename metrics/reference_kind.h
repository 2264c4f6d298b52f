#pragma once
#include <any>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace fewstep {

// What a metric compares images with, in the type of its kind: a Gaussian, say.
using ReferenceData = std::any;

struct ReferenceFile {
  ReferenceData data;
  std::string protocol, network;  // empty where the file does not say
};

// How a metric makes and keeps what it compares images with. The functions of a kind know its type, and nobody else.
struct ReferenceKind {
  // Adds the rows [N,width] of a batch to what is gathered, which is empty at first.
  void (*add)(std::any& gathered, std::span<const float> rows, std::int64_t width);
  ReferenceData (*fit)(const std::any& gathered);
  std::int64_t (*count)(const ReferenceData& data);  // of images; 0 where it is not known
  std::int64_t (*width)(const ReferenceData& data);  // of their rows
  // As metrics/statistics_file.h does, which throws for what cannot be read or written.
  ReferenceFile (*read)(const std::filesystem::path& npz);
  void (*write)(const std::filesystem::path& npz, const ReferenceFile& file);
};

// Mean and covariance of features, for Fréchet distances: a Gaussian of metrics/feature_statistics.h.
extern const ReferenceKind kGaussianReference;

}  // namespace fewstep
