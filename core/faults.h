#pragma once
#include "core/error.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// Collects errors, so that all that is wrong is told in one message and not one after another.
class Faults {
 public:
  // Runs work and keeps what it throws; whether it threw nothing.
  template <typename Work>
  bool check(Work&& work) {
    try {
      std::forward<Work>(work)();
      return true;
    } catch (const Error& error) {
      add(error);
      return false;
    }
  }
  void add(const Error& error);  // of one place the first
  std::size_t count() const { return errors_.size(); }
  // Throws the one error as it is, or all of them as one with the code of the first; nothing where there is none.
  void finish(const std::string& where) const;

 private:
  std::vector<Error> errors_;
};

}  // namespace fewstep
