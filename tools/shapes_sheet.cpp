// A contact sheet of the built-in scenes, enlarged, with their captions: docs/shapes.png (`make shapes-sheet`).
#include "core/error.h"
#include "datasets/shapes.h"
#include "images/files.h"

#include <opencv2/imgproc.hpp>

#include <cstdlib>
#include <iostream>
#include <sstream>

namespace fewstep {
namespace {

constexpr int kColumns = 8, kFilledRows = 3, kOutlineRows = 2, kEnlarged = 5, kTextHeight = 60, kBorder = 8;
constexpr int kCell = kShapesImageSize * kEnlarged;

// The caption in lines that fit under a picture.
std::vector<std::string> lines_of(const std::string& caption) {
  std::vector<std::string> lines(1);
  std::istringstream words(caption);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > 26) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

void put(cv::Mat& sheet, int column, int row, const ShapeScene& scene) {
  Image image = draw_shapes(scene);
  const cv::Mat pixels(image.height, image.width, CV_8UC3, image.rgb.data());
  const cv::Point corner(kBorder + column * (kCell + kBorder), kBorder + row * (kCell + kTextHeight + kBorder));
  cv::resize(pixels, sheet(cv::Rect(corner, cv::Size(kCell, kCell))), {kCell, kCell}, 0, 0, cv::INTER_NEAREST);
  int line = 0;
  for (const std::string& text : lines_of(scene.caption))
    cv::putText(sheet, text, corner + cv::Point(0, kCell + 13 + 14 * line++), cv::FONT_HERSHEY_SIMPLEX, .35,
                cv::Scalar(0, 0, 0), 1, cv::LINE_AA);
}

// Scenes of a split, filled; below, the first of them outlined.
Image contact_sheet(ShapeSplit split, std::uint64_t first) {
  constexpr int kRows = kFilledRows + kOutlineRows;
  constexpr int width = kColumns * (kCell + kBorder) + kBorder;
  constexpr int height = kRows * (kCell + kTextHeight + kBorder) + kBorder;
  Image sheet{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3, 255)};
  cv::Mat pixels(height, width, CV_8UC3, sheet.rgb.data());
  for (int row = 0; row < kRows; ++row) {
    const bool filled = row < kFilledRows;
    for (int column = 0; column < kColumns; ++column) {
      const int number = (filled ? row : row - kFilledRows) * kColumns + column;
      put(pixels, column, row,
          make_shape_scene(split, first + static_cast<std::uint64_t>(number),
                           filled ? ShapeStyle::kFilled : ShapeStyle::kOutline));
    }
  }
  return sheet;
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::cerr << "usage: fewstep_shapes_sheet FILE.png [train|validation|test [FIRST]]\n";
    return 2;
  }
  try {
    const fewstep::ShapeSplit split = fewstep::parse_shape_split(argc > 2 ? argv[2] : "train");
    fewstep::write_png(argv[1], fewstep::contact_sheet(split, argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0));
  } catch (const fewstep::Error& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(error.code());
  }
  return 0;
}
