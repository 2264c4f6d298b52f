#include "reports/drawing.h"
#include "reports/figures.h"
#include "reports/printers.h"

namespace fewstep {

std::string print_svg(const ReportInput& input) { return draw_svg(figure_at(figures_of(input), input.figure)); }
std::string print_png(const ReportInput& input) { return draw_png(figure_at(figures_of(input), input.figure)); }

}  // namespace fewstep
