#include "datasets/shapes.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, kShapeKinds> kShapeNames{"circle", "square", "triangle", "cross", "ring"};
constexpr std::array<std::string_view, kShapeColours> kColourNames{"red",    "green",  "blue",  "yellow",
                                                                   "purple", "orange", "white", "black"};
constexpr std::array<std::string_view, 4> kRelationNames{"left of", "right of", "above", "below"};
constexpr std::array<std::string_view, 25> kWords{
    "a",     "above", "an",    "background", "below",    "black",  "blue",     "circle", "cross",
    "green", "large", "left",  "of",         "on",       "orange", "outlined", "purple", "red",
    "right", "ring",  "small", "square",     "triangle", "white",  "yellow"};

// Lengths in widths of the canvas.
struct Range {
  double from, to;
};
constexpr Range kSmallAlone{.17, .21}, kLargeAlone{.28, .35}, kSmallOfTwo{.145, .165}, kLargeOfTwo{.205, .23};
constexpr double kMargin = .02;  // between an object and the edge
constexpr double kGap = .035;    // between two objects, along their relation's axis
constexpr double kSpread = .35;  // how much of the free length along that axis moves each of two objects inwards
constexpr double kAcross = .13;  // how far off the middle two objects may be, across that axis
static_assert(2 * (kMargin + 2 * kLargeOfTwo.to) + kGap <= 1 && kMargin + kLargeOfTwo.to + kAcross <= .5);
constexpr double kMaxTilt = .176;  // tan(10°): 20° each way
constexpr Range kBrightness{.85, 1};
constexpr double kMaxOffset = .04, kMaxSlope = .18;

// SplitMix64 (Steele, Lea, Flood 2014). The standard's distributions differ from library to library, so the numbers are
// made here.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t index) : state_(mix(mix(seed) + index)) {}

  double uniform(double from, double to) { return from + (to - from) * (static_cast<double>(next() >> 11) * 0x1p-53); }
  double uniform(Range range) { return uniform(range.from, range.to); }
  // 0 … count - 1, equally often to within 2^-29.
  int below(int count) { return static_cast<int>((next() >> 32) * static_cast<std::uint64_t>(count) >> 32); }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t next() { return mix(state_ += kStep); }

  std::uint64_t state_;
};

ShapeLight draw_light(Random& random) {
  ShapeLight light;
  light.brightness = random.uniform(kBrightness);
  for (double& offset : light.offset) offset = random.uniform(-kMaxOffset, kMaxOffset);
  light.slope_x = random.uniform(-kMaxSlope, kMaxSlope);
  light.slope_y = random.uniform(-kMaxSlope, kMaxSlope);
  return light;
}

ShapeObject draw_object(Random& random, ShapeColour colour, bool alone) {
  ShapeObject object;
  object.shape = static_cast<Shape>(random.below(kShapeKinds));
  object.colour = colour;
  object.large = random.below(2) == 1;
  object.says_size = random.below(3) > 0;
  object.radius =
      random.uniform(object.large ? (alone ? kLargeAlone : kLargeOfTwo) : (alone ? kSmallAlone : kSmallOfTwo));
  object.tilt = random.uniform(-kMaxTilt, kMaxTilt);
  object.light = draw_light(random);
  return object;
}

void place_alone(Random& random, ShapeObject& object) {
  const double edge = kMargin + object.radius;
  object.x = random.uniform(edge, 1 - edge);
  object.y = random.uniform(edge, 1 - edge);
}

// The first in the order of the axis stands near its beginning, the other near its end.
void place_two(Random& random, ShapeRelation relation, ShapeObject& one, ShapeObject& two) {
  const bool horizontal = relation == ShapeRelation::kLeftOf || relation == ShapeRelation::kRightOf;
  const bool in_order = relation == ShapeRelation::kLeftOf || relation == ShapeRelation::kAbove;
  ShapeObject &first = in_order ? one : two, &last = in_order ? two : one;
  const double free_length = 1 - 2 * (kMargin + first.radius + last.radius) - kGap;
  const double begin = kMargin + first.radius + free_length * random.uniform(0, kSpread);
  const double end = 1 - kMargin - last.radius - free_length * random.uniform(0, kSpread);
  (horizontal ? first.x : first.y) = begin;
  (horizontal ? last.x : last.y) = end;
  for (ShapeObject* object : {&first, &last})
    (horizontal ? object->y : object->x) = random.uniform(.5 - kAcross, .5 + kAcross);
}

std::string with_article(const std::string& words) {
  constexpr std::string_view kVowels = "aeiou";
  return (kVowels.find(words[0]) == kVowels.npos ? "a " : "an ") + words;
}

// A caption of two outlined objects says no size: it would be longer than kMaxShapeWords.
std::string phrase(const ShapeScene& scene, const ShapeObject& object) {
  const bool outlined = scene.style == ShapeStyle::kOutline;
  std::string words;
  if (object.says_size) words += object.large ? "large " : "small ";
  if (outlined) words += "outlined ";
  words += std::string(name_of(object.colour)) + " " + std::string(name_of(object.shape));
  return with_article(words);
}

std::string caption_of(const ShapeScene& scene) {
  std::string caption = phrase(scene, scene.objects[0]);
  if (scene.relation) caption += " " + std::string(name_of(*scene.relation)) + " " + phrase(scene, scene.objects[1]);
  return caption + " on " + with_article(std::string(name_of(scene.background)) + " background");
}

// Three colours, all different: background and two objects.
std::array<ShapeColour, 3> draw_colours(Random& random) {
  std::array<int, kShapeColours> left;
  for (int i = 0; i < kShapeColours; ++i) left[static_cast<std::size_t>(i)] = i;
  std::array<ShapeColour, 3> chosen;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::swap(left[i], left[i + static_cast<std::size_t>(random.below(kShapeColours - static_cast<int>(i)))]);
    chosen[i] = static_cast<ShapeColour>(left[i]);
  }
  return chosen;
}

}  // namespace

std::string_view name_of(Shape shape) { return kShapeNames[static_cast<std::size_t>(shape)]; }
std::string_view name_of(ShapeColour colour) { return kColourNames[static_cast<std::size_t>(colour)]; }
std::string_view name_of(ShapeRelation relation) { return kRelationNames[static_cast<std::size_t>(relation)]; }
std::string_view name_of(ShapeStyle style) { return kShapeStyles[static_cast<std::size_t>(style)]; }
std::string_view name_of(ShapeSplit split) { return kShapeSplits[static_cast<std::size_t>(split) - 1]; }

ShapeSplit parse_shape_split(std::string_view name) { return parse_name<ShapeSplit>(kShapeSplits, name, "split"); }

ShapeScene make_shape_scene(std::uint64_t seed, std::uint64_t index, ShapeStyle style) {
  Random random(seed, index);
  ShapeScene scene;
  scene.style = style;
  const auto [background, first, second] = draw_colours(random);
  scene.background = background;
  scene.light = draw_light(random);
  if (random.below(2) == 0) {
    scene.objects = {draw_object(random, first, true)};
    place_alone(random, scene.objects[0]);
  } else {
    scene.objects = {draw_object(random, first, false), draw_object(random, second, false)};
    scene.relation = static_cast<ShapeRelation>(random.below(4));
    place_two(random, *scene.relation, scene.objects[0], scene.objects[1]);
    if (style == ShapeStyle::kOutline)
      for (ShapeObject& object : scene.objects) object.says_size = false;
  }
  scene.caption = caption_of(scene);
  return scene;
}

std::string shapes_hash(ShapeSplit split, ShapeStyle style) {
  return sha256(fmt::format("fewstep shapes, version {}, seed {}, {}", kShapesVersion,
                            static_cast<std::uint64_t>(split), name_of(style)));
}

std::span<const std::string_view> shape_words() { return kWords; }

}  // namespace fewstep
