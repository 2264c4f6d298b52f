#pragma once
#include "core/error.h"

#include <c10/util/Exception.h>

namespace fewstep {

// LibTorch's error as ours, its first line alone: kEnvironment for memory and CUDA, else kInput.
Error as_error(const c10::Error& error);

// Runs work with LibTorch's errors as ours.
template <typename Work>
auto with_our_errors(Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    throw as_error(error);
  }
}

}  // namespace fewstep
