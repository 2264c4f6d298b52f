#include "core/left_out.h"

#include "core/error.h"
#include "core/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fewstep {
namespace {

std::int64_t limit(double part, std::int64_t of, std::int64_t least) {
  return std::max(std::min(least, of / 2), static_cast<std::int64_t>(std::floor(part * static_cast<double>(of))));
}

}  // namespace

void LeftOut::add(std::string_view what) {
  if (++count_ <= kNamed) named_ += "\n  " + std::string(what);
}

bool LeftOut::fits(std::int64_t of, std::int64_t least) const { return count_ <= limit(most_, of, least); }

void LeftOut::finish(std::int64_t of, std::string_view noun, std::int64_t least) const {
  if (count_ == 0) return;
  const std::string named = named_ + (count_ > kNamed ? fmt::format("\n  and {} more", count_ - kNamed) : "");
  const std::string text = fmt::format("{} of {} {}", count_, of, noun);
  if (!fits(of, least) || count_ == of) {
    throw input_error(
        where_,
        fmt::format("expected {} of which at most {} cannot be used, got {} that cannot; replace them{}{}", noun,
                    limit(most_, of, least), text, (can_raise_ ? ", or raise max_left_out:" : ":"), named));
  }
  warn(where_, text + " left out:" + named);
}

}  // namespace fewstep
