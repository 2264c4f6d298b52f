#include "process/torch_errors.h"

#include <string>

namespace fewstep {

Error as_error(const c10::Error& error) {
  std::string what = error.what_without_backtrace();
  what = what.substr(0, what.find('\n'));
  for (const char* word :
       {"out of memory", "allocate memory", "not enough memory", "CUDA", "CUDNN", "cuDNN", "CUBLAS"}) {
    if (what.find(word) != std::string::npos)
      return environment_error("device", what + "; use a smaller --batch or another --device");
  }
  return input_error("LibTorch", what);
}

}  // namespace fewstep
