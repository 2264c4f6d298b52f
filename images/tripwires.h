#pragma once
#include "core/image.h"
#include "core/tripwires.h"

namespace fewstep {

// The tripwires that one image alone can trip: all but kSame.
Trips trips_of(const Image& image);

// The correlation of luminances (Rec. 601) that are neighbours in a row or a column; 1 where they do not vary.
double neighbour_correlation(const Image& image);

}  // namespace fewstep
