#pragma once
#include "reports/document.h"
#include "reports/figure.h"

#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// Tables and figures of one question, which several stores may answer.
struct View {
  Document document;
  std::vector<Figure> figures;
};
struct ViewOptions {
  bool colour = false;  // of a table on a terminal
  int figure = 1;       // of a picture
  int columns = 0;      // of the terminal; 0: a pipe or a file
};

// A format each; reports/printers.h has the table.
std::string table_of_view(const View& view, const ViewOptions& options);
std::string markdown_of_view(const View& view, const ViewOptions& options);
std::string latex_of_view(const View& view, const ViewOptions& options);
std::string csv_of_view(const View& view, const ViewOptions& options);
std::string json_of_view(const View& view, const ViewOptions& options);
std::string html_of_view(const View& view, const ViewOptions& options);
std::string svg_of_view(const View& view, const ViewOptions& options);
std::string png_of_view(const View& view, const ViewOptions& options);

// One of some figures, from 1. Throws Error (kUsage) for a figure that there is not.
const Figure& figure_at(const std::vector<Figure>& figures, int number);

}  // namespace fewstep
