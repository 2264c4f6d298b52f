// libFuzzer over one of fuzz_targets(): FEWSTEP_FUZZ=NAME fewstep_fuzz CORPUS -runs=10000. Built by `make fuzz`, with
// clang.
#include "fuzz/targets.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

const fewstep::FuzzTarget& chosen() {
  const char* name = std::getenv("FEWSTEP_FUZZ");
  for (const fewstep::FuzzTarget& target : fewstep::fuzz_targets())
    if (name && target.name == name) return target;
  std::fprintf(stderr, "FEWSTEP_FUZZ: expected one of\n");
  for (const fewstep::FuzzTarget& target : fewstep::fuzz_targets())
    std::fprintf(stderr, "target %.*s %.*s %.*s\n", static_cast<int>(target.name.size()), target.name.data(),
                 static_cast<int>(target.seeds.size()), target.seeds.data(), static_cast<int>(target.ending.size()),
                 target.ending.data());
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const fewstep::FuzzTarget& target = chosen();
  fewstep::run_target(target, {reinterpret_cast<const char*>(data), size});
  return 0;
}
