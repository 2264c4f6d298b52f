#pragma once
#include "core/image.h"
#include "core/names.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A small world of captioned scenes that needs no download: one or two shapes on a plain background. Grammar, constants
// and pictures: docs/shapes.md.

enum class Shape { kCircle, kSquare, kTriangle, kCross, kRing };
enum class ShapeColour { kRed, kGreen, kBlue, kYellow, kPurple, kOrange, kWhite, kBlack };
enum class ShapeRelation { kLeftOf, kRightOf, kAbove, kBelow };  // of the first object to the second
enum class ShapeStyle { kFilled, kOutline };                     // outline: lines around the shapes alone
// Scenes of different splits come from different seeds: the enumerator's number.
enum class ShapeSplit : std::uint64_t { kTrain = 1, kValidation = 2, kTest = 3 };

inline constexpr int kShapeKinds = 5, kShapeColours = 8;
inline constexpr int kShapesImageSize = 32;        // pixels, where nothing else is asked for
inline constexpr int kMinShapesImageSize = 16;     // below, shapes cannot be told apart
inline constexpr std::size_t kMaxShapeWords = 14;  // of a caption
inline constexpr int kShapeTokens = 16;            // those words with start and end, each one token
inline constexpr int kShapesVersion = 1;           // of the generator: another version draws other scenes

// The words of captions and of experiment files. The parsers throw Error (kUsage) with the nearest name.
std::string_view name_of(Shape shape);
std::string_view name_of(ShapeColour colour);
std::string_view name_of(ShapeRelation relation);  // "left of"
inline constexpr std::array<std::string_view, 2> kShapeStyles{"filled", "outline"};
inline constexpr std::array<std::string_view, 3> kShapeSplits{"train", "validation", "test"};
template <>
inline constexpr std::size_t kFirstEnumerator<ShapeSplit> = 1;
std::string_view name_of(ShapeStyle style);
std::string_view name_of(ShapeSplit split);
ShapeSplit parse_shape_split(std::string_view name);

// What no caption tells: brightness, an offset of the colour, and shading, as brightness * colour + offset at the
// canvas's middle, times 1 + slope_x (x - 0.5) + slope_y (y - 0.5).
struct ShapeLight {
  double brightness = 1, offset[3] = {}, slope_x = 0, slope_y = 0;
};

// Lengths in widths of the canvas, (0, 0) its upper left corner. Nothing of the object is further than radius from its
// centre along x or y.
struct ShapeObject {
  Shape shape = Shape::kCircle;
  ShapeColour colour = ShapeColour::kRed;
  bool large = false;      // as drawn
  bool says_size = false;  // whether the caption tells it
  double x = 0, y = 0, radius = 0;
  double tilt = 0;  // tan of half the angle, clockwise
  ShapeLight light = {};
};

struct ShapeScene {
  ShapeStyle style = ShapeStyle::kFilled;
  ShapeColour background = ShapeColour::kWhite;
  ShapeLight light = {};  // of the background
  std::vector<ShapeObject> objects;
  std::optional<ShapeRelation> relation;  // of two objects
  std::string caption;
};

// A pure function of its arguments: the same on every machine. Both styles of one (seed, index) have the same objects.
ShapeScene make_shape_scene(std::uint64_t seed, std::uint64_t index, ShapeStyle style = ShapeStyle::kFilled);
inline ShapeScene make_shape_scene(ShapeSplit split, std::uint64_t index, ShapeStyle style = ShapeStyle::kFilled) {
  return make_shape_scene(static_cast<std::uint64_t>(split), index, style);
}

// size x size pixels, anti-aliased. Throws Error (kUsage) below kMinShapesImageSize.
Image draw_shapes(const ShapeScene& scene, int size = kShapesImageSize);

// A hash that names the generator's version, the split's seed and the style: with an index, the identity of a scene.
std::string shapes_hash(ShapeSplit split, ShapeStyle style);

// Every word of the captions, sorted.
std::span<const std::string_view> shape_words();

}  // namespace fewstep
