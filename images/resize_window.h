#pragma once
#include <span>
#include <vector>

namespace fewstep {

enum class PilFilter { kBilinear, kBicubic, kLanczos };

// The input pixels and weights that make one output pixel along one axis.
struct ResizeWindow {
  int first = 0;  // index of the first input pixel
  std::span<const double> weights;
};

// Pillow's antialiased windows along one axis: the filter is stretched by the reduction factor, cut at the border and
// normalised to a sum of 1.
class ResizeWindows {
 public:
  ResizeWindows(int input_size, int output_size, PilFilter filter);
  int taps() const { return taps_; }  // the longest window
  int size() const { return static_cast<int>(firsts_.size()); }
  ResizeWindow operator[](int output) const {
    const auto at = static_cast<std::size_t>(output);
    return {firsts_[at], std::span(weights_).subspan(at * static_cast<std::size_t>(taps_), counts_[at])};
  }

 private:
  int taps_ = 0;
  std::vector<int> firsts_;
  std::vector<std::size_t> counts_;
  std::vector<double> weights_;  // [output][taps]
};

}  // namespace fewstep
