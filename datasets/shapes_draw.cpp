// The pixels of a scene. Only + - * / and square roots, which IEEE 754 rounds alike everywhere, so that the bytes are
// the same on every machine; the file is compiled without fused multiply-add.
#include "core/error.h"
#include "datasets/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fewstep {
namespace {

using Rgb = std::array<double, 3>;

constexpr std::array<Rgb, kShapeColours> kColours{{{.86, .16, .16},
                                                   {.18, .66, .25},
                                                   {.18, .33, .86},
                                                   {.95, .85, .20},
                                                   {.70, .28, .78},
                                                   {.96, .55, .14},
                                                   {.95, .95, .95},
                                                   {.08, .08, .10}}};

// The outlines belong to shapes of radius 1. Extents along x and y stay within 1 at every tilt up to 20°.
constexpr double kSquareHalf = .78;
constexpr double kTriangleInner = .5;  // the inscribed circle
constexpr double kHalfRoot3 = 0.8660254037844386;
struct CrossArms {
  double length, half_width;
};
constexpr CrossArms kCross{.93, .32}, kOutlinedCross{.90, .40};  // wider, so that its two lines leave room between
constexpr double kRingHole = .5, kOutlinedRingHole = .45;
constexpr double kLineWidth = .025, kLineWidthPerRadius = .11;  // outline: in widths of the canvas

double length(double x, double y) { return std::sqrt(x * x + y * y); }

double cross_distance(double x, double y, double r, CrossArms arms) {
  const double a = arms.length * r, b = arms.half_width * r;
  return std::min(std::max(x - a, y - b), std::max(x - b, y - a));
}

// Signed distance to the border, negative inside, in object coordinates; exact but for the outside of corners.
double filled_distance(Shape shape, double x, double y, double r) {
  switch (shape) {
    case Shape::kCircle:
      return length(x, y) - r;
    case Shape::kSquare:
      return std::max(std::abs(x), std::abs(y)) - kSquareHalf * r;
    case Shape::kTriangle:
      return std::max({y, kHalfRoot3 * x - .5 * y, -kHalfRoot3 * x - .5 * y}) - kTriangleInner * r;
    case Shape::kCross:
      return cross_distance(std::abs(x), std::abs(y), r, kCross);
    case Shape::kRing:
      break;
  }
  const double p = length(x, y);
  return std::max(p - r, kRingHole * r - p);
}

// A line just inside the border; of a ring a second one, the inner circle.
double outline_distance(Shape shape, double x, double y, double r) {
  const double width = kLineWidth + kLineWidthPerRadius * r;
  const auto line = [width](double distance) { return std::max(distance, -distance - width); };
  if (shape == Shape::kCross) return line(cross_distance(std::abs(x), std::abs(y), r, kOutlinedCross));
  if (shape != Shape::kRing) return line(filled_distance(shape, x, y, r));
  const double p = length(x, y);
  return std::min(line(p - r), line(p - kOutlinedRingHole * r));
}

Rgb lit(const Rgb& colour, const ShapeLight& light, double x, double y) {
  const double shade = 1 + light.slope_x * (x - .5) + light.slope_y * (y - .5);
  Rgb out;
  for (std::size_t c = 0; c < out.size(); ++c)
    out[c] = std::clamp((colour[c] * light.brightness + light.offset[c]) * shade, 0.0, 1.0);
  return out;
}

// How much of the pixel around (x, y) the object covers.
double coverage(const ShapeObject& object, ShapeStyle style, double x, double y, int size) {
  const double t = object.tilt, cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
  const double dx = x - object.x, dy = y - object.y;
  const double u = cosine * dx + sine * dy, v = cosine * dy - sine * dx;
  const double distance = style == ShapeStyle::kOutline ? outline_distance(object.shape, u, v, object.radius)
                                                        : filled_distance(object.shape, u, v, object.radius);
  return std::clamp(.5 - distance * size, 0.0, 1.0);
}

}  // namespace

Image draw_shapes(const ShapeScene& scene, int size) {
  if (size < kMinShapesImageSize)
    throw usage_error("shapes",
                      fmt::format("expected a size of at least {} pixels, got {}", kMinShapesImageSize, size));
  Image image{size, size, {}};
  image.rgb.reserve(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const double x = (column + .5) / size, y = (row + .5) / size;
      Rgb pixel = lit(kColours[static_cast<std::size_t>(scene.background)], scene.light, x, y);
      for (const ShapeObject& object : scene.objects) {
        const double share = coverage(object, scene.style, x, y, size);
        const Rgb colour = lit(kColours[static_cast<std::size_t>(object.colour)], object.light, x, y);
        for (std::size_t c = 0; c < pixel.size(); ++c) pixel[c] += share * (colour[c] - pixel[c]);
      }
      for (const double value : pixel) image.rgb.push_back(static_cast<std::uint8_t>(value * 255 + .5));
    }
  }
  return image;
}

}  // namespace fewstep
