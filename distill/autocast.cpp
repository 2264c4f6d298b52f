#include "distill/autocast.h"

#include <ATen/autocast_mode.h>

namespace fewstep {

Autocast::Autocast(at::Device device, Precision precision)
    : device_(device.type()), on_(precision == Precision::kBfloat16) {
  if (!on_) return;
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace fewstep
