#pragma once
#include "core/tensor.h"
#include "formats/loss_curve.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace fewstep {

// Where a run stands, kept in one file that is written whole or not at all.
class TrainingState {
 public:
  // Reads the file where there is one. continues: the identity of the recipe but for its number of steps, where a
  // longer training goes on as if it had been asked for at first; empty where it does not. Throws Error (kInput) when
  // the file is broken, kUsage when it belongs to another recipe, or to the same at more steps than steps.
  TrainingState(std::filesystem::path file, std::string identity, std::string continues = "", std::int64_t steps = 0);

  // What is kept of a phase that is under way or done, under the phase's own names.
  struct Snapshot {
    std::int64_t step = 0;
    std::map<std::string, Tensor> tensors;  // "parameter/…", "average/…", "optimizer/…"
  };
  const Snapshot* find(const std::string& phase) const;
  const LossCurve& curve() const { return curve_; }
  // Spent on this training so far, all its processes together; what a killed one did after its last save is not
  // counted.
  double seconds() const;

  void save(const std::string& phase, Snapshot snapshot);
  void add(const LossPoint& point) { curve_.push_back(point); }
  // A phase before the present one has done its work.
  void forget(const std::string& phase) { phases_.erase(phase); }

 private:
  void write() const;
  std::filesystem::path file_;
  std::string identity_, continues_;
  std::map<std::string, Snapshot> phases_;
  LossCurve curve_;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
};

}  // namespace fewstep
