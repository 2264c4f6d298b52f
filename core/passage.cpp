#include "core/passage.h"

namespace fewstep {
namespace {

void nothing(std::string_view) {}

}  // namespace

void (*passage)(std::string_view) = nothing;

}  // namespace fewstep
