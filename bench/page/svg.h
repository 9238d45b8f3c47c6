#pragma once

// Charts as inline SVG. Colours and fonts are classes of the page's style (page_style.cc); all
// places are worked out here, from an estimate of how wide a text is.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/page/page.h"

namespace bench::page {

// Each chart is drawn twice, and the style shows the one that fits the window: text in an SVG
// shrinks with it, so that one drawing cannot be read both on a desk and on a phone.
enum class Width : uint8_t { wide, narrow };
[[nodiscard]] double width_units(Width width);

// How many colours the style has for series; a line beyond takes the first again.
inline constexpr size_t series_colours = 6;

// An <svg> element. `id` is unique on the page; its title and description are named after it.
[[nodiscard]] std::string svg_lines(const Lines& lines, Width width, std::string_view id);
[[nodiscard]] std::string svg_bars(const Bars& bars, Width width, std::string_view id);

// What the two share.

inline constexpr double text_size = 13;  // of every text, in units of the drawing

enum class Anchor : uint8_t { start, middle, end };

// The width of `text`, in units of the drawing; rather too much than too little.
[[nodiscard]] double text_width(std::string_view text);
// `text`, cut with an ellipsis where it is wider than `width`.
[[nodiscard]] std::string fitted(std::string_view text, double width);

// Elements one after another. Numbers have one decimal.
class SvgWriter {
 public:
  void line(std::string_view css_class, double x1, double y1, double x2, double y2);
  void rectangle(std::string_view css_class, double x, double y, double width, double height);
  void circle(std::string_view css_class, double x, double y, double radius);
  void polyline(std::string_view css_class, const std::vector<std::pair<double, double>>& points);
  // `y` is the base line.
  void text(std::string_view css_class, double x, double y, Anchor anchor, std::string_view text);
  // Everything so far as a whole element.
  [[nodiscard]] std::string finish(Width width,
                                   double height,
                                   std::string_view id,
                                   std::string_view title,
                                   std::string_view description) const;

 private:
  std::string body_;
};

// Round values from 0 up to one that is at least `max`: 1, 2, 2.5 or 5 times a power of ten apart.
// At least two, about `wanted`.
[[nodiscard]] std::vector<double> linear_ticks(double max, int wanted);
// Round values that enclose min..max (both over 0): powers of ten, with 2 and 5 times those where
// they are few.
[[nodiscard]] std::vector<double> log_ticks(double min, double max);

}  // namespace bench::page
