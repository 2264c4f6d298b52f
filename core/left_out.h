#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fewstep {

// Of the samples of a file or folder at most this part is left out where nothing else is said.
constexpr double kMaxLeftOut = 0.01;

// So many training samples may be left out in any case where they are no more than half: each of them is named.
constexpr std::int64_t kFewSamples = 10;

// Samples that cannot be used: left out, counted, the first ten named, and an error where they are too many.
class LeftOut {
 public:
  // where: the file or folder. most: the largest part. can_raise: whether the user can name another one.
  LeftOut(std::string where, double most, bool can_raise = true)
      : where_(std::move(where)), most_(most), can_raise_(can_raise) {}
  // what: "[captions.tsv, line 12] expected …".
  void add(std::string_view what);
  std::int64_t count() const { return count_; }
  // Whether so far no more are left out than may be of so many samples.
  bool fits(std::int64_t of, std::int64_t least = 0) const;
  // Warns where any of so many samples was left out. noun: "captions"; least: so many may be in any case, but no more
  // than half. Throws Error (kInput) where more were, and where nothing remains.
  void finish(std::int64_t of, std::string_view noun, std::int64_t least = 0) const;

 private:
  static constexpr std::int64_t kNamed = kFewSamples;
  std::string where_;
  double most_;
  bool can_raise_;
  std::int64_t count_ = 0;
  std::string named_;
};

}  // namespace fewstep
