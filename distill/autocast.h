#pragma once
#include "settings/recipe.h"

#include <c10/core/Device.h>

namespace fewstep {

// Autocast as torch.autocast has it, for as long as this lives; nothing for float32.
class Autocast {
 public:
  Autocast(at::Device device, Precision precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_;
};

}  // namespace fewstep
