#include "reports/figures.h"
#include "reports/printers.h"
#include "reports/published.h"
#include "reports/view.h"

namespace fewstep {
namespace {

std::string print(const ReportInput& input, std::string_view format) {
  return print_figure(figures_of(input), format, input.figure);
}

}  // namespace

std::string print_svg(const ReportInput& input) { return print(input, "svg"); }
std::string print_png(const ReportInput& input) { return print(input, "png"); }

}  // namespace fewstep
