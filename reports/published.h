#pragma once
#include "reports/document.h"
#include "reports/figure.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fewstep {

// Numbers that others published, to stand beside ours (results/published/).
struct PublishedRow {
  std::string label;
  std::map<std::string, std::vector<double>> metrics;  // by name, along the axis; NaN: not published
};
struct Published {
  std::string name, title, source, protocol;
  std::string axis;  // "steps", "omega", "skip_step", "original_inference_steps"
  std::vector<double> values;
  std::vector<PublishedRow> rows;
};

// A file, or a name of results/published above the program or the working directory. Throws Error (kUsage) with the
// nearest name, or with line and column.
Published read_published(const std::string& name_or_file);

// Adds its rows below those of the metric's section, or as sections of their own, where the columns are its axis;
// columns: the axis' value of each, NaN where it has none. Notes say source and protocol.
void add_published(Document& document, const Published& published, const std::vector<double>& columns,
                   const std::vector<std::string>& metric_of_section);
// Adds its lines to a figure of that metric whose x is its axis.
void add_published(Figure& figure, const Published& published, const std::string& metric);

}  // namespace fewstep
