#pragma once
#include "reports/document.h"
#include "reports/figures.h"

#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// Tables and figures of one question, which several stores may answer.
struct View {
  Document document;
  std::vector<Figure> figures;
};

// table, markdown, latex, csv, html, json, and svg or png of one figure (from 1). Throws Error (kUsage) for another
// format, and for a figure that there is not.
std::string print_view(const View& view, std::string_view format, bool colour, int figure, int columns = 0);
// A figure as a picture: svg or png.
std::string print_figure(const std::vector<Figure>& figures, std::string_view format, int number);

}  // namespace fewstep
