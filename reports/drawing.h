#pragma once
#include "reports/figures.h"

#include <string>

namespace fewstep {

// A figure as a picture for a paper or a README: the same points, bars and colours as on a page. Bytes of a file.
std::string draw_svg(const Figure& figure);
std::string draw_png(const Figure& figure);  // twice the size in pixels

}  // namespace fewstep
