#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace fewstep {

// What an image looks like that no metric should be believed on: a black frame can have the best CLIP score of a run.
struct Tripwire {
  std::string_view name, meaning;
};
inline constexpr std::array<Tripwire, 3> kTripwires{{
    {"one-colour", "black or one colour: at most 2 levels between the smallest and the largest value of every channel"},
    {"noise", "noise: neighbouring luminances correlate by less than 0.2"},
    {"same", "the same image under different prompts, or nearly so (2 levels) under more than half of them"},
}};
// Bit i: the image trips kTripwires[i].
using Trips = std::uint32_t;
inline constexpr Trips kOneColour = 1, kNoise = 2, kSame = 4;
static_assert(kTripwires[0].name == "one-colour" && kTripwires[1].name == "noise" && kTripwires[2].name == "same");

}  // namespace fewstep
