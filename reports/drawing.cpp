#include "reports/drawing.h"

#include "core/error.h"
#include "reports/safe_text.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

namespace fewstep {
namespace {

constexpr double kWidth = 760, kPlotHeight = 400, kLeft = 74, kRight = 22, kTop = 44, kBottom = 56, kLegendLine = 20;
constexpr double kPi = 3.14159265358979323846;

struct Colour {
  double red, green, blue;
};
// Okabe and Ito's, as the page's charts have them in light.
constexpr std::array<Colour, 6> kColours{
    {{0, .447, .698}, {.835, .369, 0}, {0, .62, .451}, {.69, .322, .541}, {0, 0, 0}, {.604, .416, 0}}};
constexpr int kShapes = 5;

struct Scale {
  double low = 0, high = 1, begin = 0, end = 1;  // values, and pixels
  bool logarithmic = false;
  double at(double value) const {
    const double part = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return begin + part * (end - begin);
  }
};

std::vector<double> ticks_of(const Scale& scale, const FigureAxis& axis) {
  if (!axis.ticks.empty()) return axis.ticks;
  std::vector<double> ticks;
  if (scale.logarithmic) {
    for (const auto& factors : {std::vector<double>{1, 2, 5}, std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9}}) {
      ticks.clear();
      for (double power = std::pow(10, std::floor(std::log10(scale.low))); power <= scale.high; power *= 10)
        for (const double factor : factors)
          if (power * factor >= scale.low && power * factor <= scale.high) ticks.push_back(power * factor);
      if (ticks.size() >= 3) break;
    }
    return ticks;
  }
  const double raw = (scale.high - scale.low) / 6, power = std::pow(10, std::floor(std::log10(raw)));
  const double step = power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
  for (double tick = std::ceil(scale.low / step) * step; tick <= scale.high + step * 1e-9; tick += step)
    ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

class Picture {
 public:
  Picture(cairo_t* cairo, const Figure& figure, double height) : cairo_(cairo), figure_(figure), height_(height) {}

  void draw() {
    rectangle(0, 0, kWidth, height_, {1, 1, 1});
    x_ = scale_of(figure_.x, kLeft, kWidth - kRight, &FigurePoint::x, &FigurePoint::x_range);
    y_ = scale_of(figure_.y, kTop + kPlotHeight, kTop, &FigurePoint::y, &FigurePoint::y_range);
    draw_axes();
    draw_front();
    for (const FigureLine& line : figure_.lines) draw_line(line);
    draw_legend();
  }

 private:
  Scale scale_of(const FigureAxis& axis, double begin, double end, double FigurePoint::*value,
                 FigurePoint::Range FigurePoint::*range) const {
    Scale scale{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), begin, end,
                axis.logarithmic};
    const auto take = [&](double number) {
      if (axis.logarithmic && number <= 0) return;
      scale.low = std::min(scale.low, number);
      scale.high = std::max(scale.high, number);
    };
    for (const FigureLine& line : figure_.lines) {
      for (const FigurePoint& point : line.points) {
        take(point.*value);
        if (const auto& bar = point.*range) take(bar->first), take(bar->second);
      }
    }
    if (!(scale.low <= scale.high)) scale.low = scale.high = 1;
    if (axis.logarithmic) {
      const double margin = scale.high > scale.low ? std::pow(scale.high / scale.low, 0.06) : 2;
      scale.low /= margin;
      scale.high *= margin;
    } else {
      const double margin = scale.high > scale.low ? 0.06 * (scale.high - scale.low) : 1;
      scale.low = scale.low >= 0 ? std::max(0.0, scale.low - margin) : scale.low - margin;
      scale.high += margin;
    }
    return scale;
  }

  void rectangle(double x, double y, double width, double height, Colour colour) {
    cairo_set_source_rgb(cairo_, colour.red, colour.green, colour.blue);
    cairo_rectangle(cairo_, x, y, width, height);
    cairo_fill(cairo_);
  }

  // anchor: 0 left, 0.5 middle, 1 right of the text is at x.
  double text(double x, double y, const std::string& raw, double size, double anchor, bool bold = false) {
    const std::string safe = one_line(raw);
    cairo_select_font_face(cairo_, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo_, size);
    cairo_text_extents_t extents;
    cairo_text_extents(cairo_, safe.c_str(), &extents);
    cairo_set_source_rgb(cairo_, 0.1, 0.11, 0.13);
    cairo_move_to(cairo_, x - anchor * extents.x_advance, y);
    cairo_show_text(cairo_, safe.c_str());
    return extents.x_advance;
  }

  void stroke(double x0, double y0, double x1, double y1, Colour colour, double width) {
    cairo_set_source_rgb(cairo_, colour.red, colour.green, colour.blue);
    cairo_set_line_width(cairo_, width);
    cairo_move_to(cairo_, x0, y0);
    cairo_line_to(cairo_, x1, y1);
    cairo_stroke(cairo_);
  }

  void draw_axes() {
    constexpr Colour kRule{.86, .88, .9}, kAxis{.33, .35, .4};
    text(kLeft, 24, figure_.title, 15, 0, true);
    for (const double tick : ticks_of(x_, figure_.x)) {
      if (tick < x_.low || tick > x_.high) continue;
      stroke(x_.at(tick), kTop, x_.at(tick), kTop + kPlotHeight, kRule, 1);
      text(x_.at(tick), kTop + kPlotHeight + 17, label_of(figure_.x, tick), 12, 0.5);
    }
    for (const double tick : ticks_of(y_, figure_.y)) {
      if (tick < y_.low || tick > y_.high) continue;
      stroke(kLeft, y_.at(tick), kWidth - kRight, y_.at(tick), kRule, 1);
      text(kLeft - 8, y_.at(tick) + 4, fmt::format("{:.6g}", tick), 12, 1);
    }
    stroke(kLeft, kTop + kPlotHeight, kWidth - kRight, kTop + kPlotHeight, kAxis, 1.2);
    stroke(kLeft, kTop, kLeft, kTop + kPlotHeight, kAxis, 1.2);
    text((kLeft + kWidth - kRight) / 2, kTop + kPlotHeight + 40, figure_.x.title, 13, 0.5);
    cairo_save(cairo_);
    cairo_translate(cairo_, 18, kTop + kPlotHeight / 2);
    cairo_rotate(cairo_, -kPi / 2);
    text(0, 0, figure_.y.title, 13, 0.5);
    cairo_restore(cairo_);
  }

  // Names that would run into each other become numbers.
  static std::string label_of(const FigureAxis& axis, double tick) {
    constexpr int kColumns = 96;  // that fit below the plot
    const auto at =
        static_cast<std::size_t>(std::find(axis.ticks.begin(), axis.ticks.end(), tick) - axis.ticks.begin());
    int widest = 0;
    for (const std::string& label : axis.labels) widest = std::max(widest, display_width(one_line(label)));
    if (at >= axis.labels.size() || (widest + 2) * static_cast<int>(axis.labels.size()) > kColumns)
      return fmt::format("{:.6g}", tick);
    return axis.labels[at];
  }

  static Colour colour_of(const FigureLine& line) { return kColours[line.number % kColours.size()]; }

  void set_dash(const FigureLine& line) {
    const std::array<double, 2> dashes =
        line.number / kColours.size() % 3 == 1 ? std::array<double, 2>{7, 3} : std::array<double, 2>{2, 3};
    const bool plain = line.number / kColours.size() % 3 == 0;
    cairo_set_dash(cairo_, dashes.data(), plain ? 0 : 2, 0);
  }

  void marker(double x, double y, const FigureLine& line) {
    const Colour colour = colour_of(line);
    constexpr double kRadius = 4;
    cairo_set_source_rgb(cairo_, colour.red, colour.green, colour.blue);
    cairo_new_path(cairo_);
    switch (line.number % kShapes) {
      case 0:
        cairo_arc(cairo_, x, y, kRadius, 0, 2 * kPi);
        break;
      case 1:
        cairo_rectangle(cairo_, x - kRadius + 0.5, y - kRadius + 0.5, 2 * kRadius - 1, 2 * kRadius - 1);
        break;
      case 2:
        cairo_move_to(cairo_, x, y - kRadius - 1);
        cairo_line_to(cairo_, x + kRadius + 1, y + kRadius - 0.5);
        cairo_line_to(cairo_, x - kRadius - 1, y + kRadius - 0.5);
        break;
      case 3:
        cairo_move_to(cairo_, x, y - kRadius - 1);
        cairo_line_to(cairo_, x + kRadius + 1, y);
        cairo_line_to(cairo_, x, y + kRadius + 1);
        cairo_line_to(cairo_, x - kRadius - 1, y);
        break;
      default:
        cairo_set_line_width(cairo_, 2.2);
        cairo_move_to(cairo_, x - kRadius, y - kRadius);
        cairo_line_to(cairo_, x + kRadius, y + kRadius);
        cairo_move_to(cairo_, x + kRadius, y - kRadius);
        cairo_line_to(cairo_, x - kRadius, y + kRadius);
        cairo_stroke(cairo_);
        return;
    }
    cairo_close_path(cairo_);
    cairo_fill(cairo_);
  }

  // Lines that share their places along x are moved apart by a few pixels, as on the page, so that each error bar is
  // seen.
  double shift_of(const FigureLine& line) const {
    constexpr double kMost = 12;  // pixels over all lines
    if (figure_.x.ticks.empty()) return 0;
    const auto count = static_cast<double>(figure_.lines.size());
    const auto number = static_cast<double>(&line - figure_.lines.data());
    return std::min(4.0, kMost / count) * (number - (count - 1) / 2);
  }

  void draw_line(const FigureLine& line) {
    const Colour colour = colour_of(line);
    cairo_set_source_rgb(cairo_, colour.red, colour.green, colour.blue);
    cairo_set_line_width(cairo_, 1.8);
    set_dash(line);
    cairo_new_path(cairo_);
    const double shift = shift_of(line);
    for (const FigurePoint& point : line.points) cairo_line_to(cairo_, x_.at(point.x) + shift, y_.at(point.y));
    cairo_stroke(cairo_);
    cairo_set_dash(cairo_, nullptr, 0, 0);
    for (const FigurePoint& point : line.points) {
      const double x = x_.at(point.x) + shift, y = y_.at(point.y);
      if (point.y_range) {
        const double low = y_.at(point.y_range->first), high = y_.at(point.y_range->second);
        stroke(x, low, x, high, colour, 1.2);
        stroke(x - 3, low, x + 3, low, colour, 1.2);
        stroke(x - 3, high, x + 3, high, colour, 1.2);
      }
      if (point.x_range) stroke(x_.at(point.x_range->first), y, x_.at(point.x_range->second), y, colour, 1.2);
      if (point.marked) {
        cairo_set_source_rgb(cairo_, colour.red, colour.green, colour.blue);
        cairo_set_line_width(cairo_, 1.8);
        cairo_new_path(cairo_);
        cairo_arc(cairo_, x, y, 9, 0, 2 * kPi);
        cairo_stroke(cairo_);
      }
      marker(x, y, line);
      if (!point.label.empty()) text(x + 6, y - 5, point.label, 10.5, 0);
    }
  }

  static void dash_front(cairo_t* cairo) {
    constexpr std::array<double, 2> kDashes{6, 3};
    cairo_set_dash(cairo, kDashes.data(), 2, 0);
  }

  // A step through the points that no other beats in both.
  void draw_front() {
    if (figure_.front.size() < 2) return;
    cairo_set_source_rgb(cairo_, kFront.red, kFront.green, kFront.blue);
    cairo_set_line_width(cairo_, 2.2);
    dash_front(cairo_);
    cairo_new_path(cairo_);
    double before = 0;
    for (const auto& [x, y] : figure_.front) {
      if (cairo_has_current_point(cairo_)) cairo_line_to(cairo_, x_.at(x), before);
      before = y_.at(y);
      cairo_line_to(cairo_, x_.at(x), before);
    }
    cairo_stroke(cairo_);
    cairo_set_dash(cairo_, nullptr, 0, 0);
  }

  void draw_legend() {
    double x = kLeft, y = kTop + kPlotHeight + kBottom + 8;
    for (const FigureLine& line : figure_.lines) {
      const std::string label = shortened(one_line(line.label), 60);
      cairo_text_extents_t extents;
      cairo_set_font_size(cairo_, 12.5);
      cairo_text_extents(cairo_, label.c_str(), &extents);
      if (x > kLeft && x + 40 + extents.x_advance > kWidth - kRight) {
        x = kLeft;
        y += kLegendLine;
      }
      set_dash(line);
      stroke(x, y - 4, x + 26, y - 4, colour_of(line), 1.8);
      cairo_set_dash(cairo_, nullptr, 0, 0);
      marker(x + 13, y - 4, line);
      x += 34 + text(x + 32, y, label, 12.5, 0) + 18;
    }
    if (figure_.front.size() < 2) return;
    if (x > kLeft && x + 130 > kWidth - kRight) {
      x = kLeft;
      y += kLegendLine;
    }
    dash_front(cairo_);
    stroke(x, y - 4, x + 26, y - 4, kFront, 2.2);
    cairo_set_dash(cairo_, nullptr, 0, 0);
    text(x + 32, y, "Pareto front", 12.5, 0);
  }

  static constexpr Colour kFront{.64, .27, .05};

  cairo_t* cairo_;
  const Figure& figure_;
  const double height_;
  Scale x_, y_;
};

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

double height_of(const Figure& figure) {
  // A line of the legend holds two names or more; room for one each is never too little.
  return kTop + kPlotHeight + kBottom + kLegendLine * (static_cast<double>(figure.lines.size()) * 0.5 + 1);
}

void draw(cairo_surface_t* surface, const Figure& figure, double scale) {
  const Context context(cairo_create(surface), cairo_destroy);
  cairo_scale(context.get(), scale, scale);
  Picture(context.get(), figure, height_of(figure)).draw();
  cairo_surface_flush(surface);
  if (const auto status = cairo_status(context.get()); status != CAIRO_STATUS_SUCCESS)
    throw environment_error("figure", cairo_status_to_string(status));
}

}  // namespace

std::string draw_svg(const Figure& figure) {
  std::string bytes;
  {
    const Surface surface(cairo_svg_surface_create_for_stream(append, &bytes, kWidth, height_of(figure)),
                          cairo_surface_destroy);
    draw(surface.get(), figure, 1);
    cairo_surface_finish(surface.get());
  }
  return bytes;
}

std::string draw_png(const Figure& figure) {
  constexpr double kScale = 2;
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(kScale * kWidth),
                                                   static_cast<int>(kScale * height_of(figure))),
                        cairo_surface_destroy);
  draw(surface.get(), figure, kScale);
  std::string bytes;
  cairo_surface_write_to_png_stream(surface.get(), append, &bytes);
  return bytes;
}

}  // namespace fewstep
