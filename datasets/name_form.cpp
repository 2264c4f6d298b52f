#include "datasets/name_form.h"

#include "core/text.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace fewstep {

std::string composed_name(const std::string& name) {
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> composed(
      utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(name.c_str())), std::free);
  return composed ? reinterpret_cast<const char*>(composed.get()) : name;
}

std::string advice_for_captions(const std::string& first, const std::string& second) {
  return " (" + in_quotes(first) + ", " + in_quotes(second) +
         "); keep one caption for each image, for instance the first, or one drawn with a fixed seed, and name it with "
         "the result";
}

}  // namespace fewstep
