// Lines over percentiles or seconds: round ticks, a label at the end of each line where there is
// room at the side, else a legend above.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "bench/base/units.h"
#include "bench/page/svg.h"

namespace bench::page {
namespace {

using Points = std::vector<std::pair<double, double>>;

constexpr double line_height = 18;
constexpr double label_max = 170;  // of a line's name at its side
// Latencies that differ by more than this need a logarithmic axis.
constexpr double log_ratio = 30;

// 100 % would stand at infinity: it is drawn one step of the curve behind the point before it.
Points percentile_places(const Points& points) {
  constexpr double step = 0.0376;  // log10(2) / 8, see percentile_curve()
  Points places;
  for (const auto& [percent, value] : points) {
    const double last = places.empty() ? 0 : places.back().first;
    const double left = 1 - percent / 100;
    places.emplace_back(left > 0 ? std::max(-std::log10(left), last) : last + step, value);
  }
  return places;
}

// A point stands for the time up to it, the first for all from the start.
Points seconds_places(Points points) {
  if (!points.empty() && points.front().first > 0) {
    points.insert(points.begin(), {0, points.front().second});
  }
  return points;
}

// "99.9 %" for 3.
std::string nines_text(int nines) {
  if (nines == 0) return "0 %";
  if (nines == 1) return "90 %";
  return nines == 2 ? "99 %" : fmt::format("99.{:9>{}} %", "", nines - 2);
}

class LinesChart {
 public:
  LinesChart(const Lines& lines, Width width) : lines_(lines), width_(width) {
    for (const Line& line : lines.lines) {
      places_.push_back(lines.x_axis == XAxis::percentile ? percentile_places(line.points)
                                                          : seconds_places(line.points));
      has_names_ = has_names_ || !line.label.empty();
    }
    set_ranges();
    set_frame();
  }

  std::string draw(std::string_view id) {
    draw_axes();
    for (size_t i = 0; i < places_.size(); ++i) {
      Points drawn;
      for (const auto& [x, y] : places_[i]) {
        drawn.emplace_back(x_of(x), y_of(y));
      }
      if (!drawn.empty()) svg_.polyline("series " + colour_of(i), drawn);
    }
    if (has_names_ && width_ == Width::wide) draw_names_at_side();
    if (has_names_ && width_ == Width::narrow) draw_legend();
    return svg_.finish(width_, bottom_ + 2.6 * line_height, id, lines_.title, description());
  }

 private:
  void set_ranges() {
    double least = std::numeric_limits<double>::infinity();
    double most = 0;
    for (const Points& points : places_) {
      for (const auto& [x, y] : points) {
        x_max_ = std::max(x_max_, x);
        most = std::max(most, y);
        if (y > 0) least = std::min(least, y);
      }
    }
    const bool are_latencies = lines_.quantity == Quantity::microseconds;
    is_log_ = are_latencies && most > 0 && most / least > log_ratio;
    ticks_ = is_log_ ? log_ticks(least, most) : linear_ticks(most, 4);
    if (!(x_max_ > 0)) x_max_ = 1;
  }

  void set_frame() {
    for (const double tick : ticks_) {
      left_ = std::max(left_, text_width(tick_text(tick)) + 8);
    }
    right_ = width_units(width_) - 14;
    top_ = 1.6 * line_height;
    if (has_names_ && width_ == Width::wide) {
      double widest = 0;
      for (const Line& line : lines_.lines) {
        widest = std::max(widest, std::min(text_width(line.label), label_max));
      }
      right_ = width_units(width_) - widest - name_gap - 2;
    } else if (has_names_) {
      const auto legend = place_legend();
      if (!legend.empty()) top_ += line_height * (legend.back().row + 1) + 4;
    }
    const double height = width_ == Width::wide ? 250 : 210;
    const double half_height = lines_.x_axis == XAxis::percentile ? 170 : 130;
    bottom_ = top_ + (lines_.size == Size::half ? half_height : height);
  }

  [[nodiscard]] std::string tick_text(double tick) const {
    return lines_.quantity == Quantity::microseconds ? duration_tick(tick) : number_tick(tick);
  }

  [[nodiscard]] double x_of(double x) const { return left_ + x / x_max_ * (right_ - left_); }

  [[nodiscard]] double y_of(double y) const {
    const double low = ticks_.front();
    const double high = ticks_.back();
    const double share = is_log_ ? std::log(std::max(y, low) / low) / std::log(high / low)
                                 : (y - low) / (high - low);
    return bottom_ - std::clamp(share, 0.0, 1.0) * (bottom_ - top_);
  }

  [[nodiscard]] std::string colour_of(size_t index) const {
    return lines_.tone == Tone::bad ? "failed" : fmt::format("s{}", index % series_colours);
  }

  void draw_axes() {
    const std::string y_name = lines_.y_name + (is_log_ ? " (log scale)" : "");
    svg_.text("axis-name", 0, text_size, Anchor::start, fitted(y_name, width_units(width_)));
    for (const double tick : ticks_) {
      const double y = y_of(tick);
      svg_.line(tick == ticks_.front() ? "axis" : "grid", left_, y, right_, y);
      svg_.text("tick", left_ - 8, y + text_size * 0.35, Anchor::end, tick_text(tick));
    }
    if (lines_.x_axis == XAxis::percentile) {
      draw_percentiles();
    } else {
      draw_seconds();
    }
    const std::string_view x_name =
        lines_.x_axis == XAxis::percentile ? "share of values at or below" : "seconds";
    svg_.text("axis-name", right_, bottom_ + 2.1 * line_height, Anchor::end, x_name);
  }

  // A line, and its text below the plot unless it would touch the one before it.
  void draw_x_tick(double x, const std::string& text) {
    const double half = text_width(text) / 2;
    const double text_x = std::min(x, width_units(width_) - half);
    if (x > left_ + 1) svg_.line("grid", x, top_, x, bottom_);
    if (text_x - half < x_ticks_end_) return;
    x_ticks_end_ = text_x + half + 6;
    svg_.text("tick", text_x, bottom_ + line_height, Anchor::middle, text);
  }

  void draw_percentiles() {
    const auto last = static_cast<int>(std::floor(x_max_ + 1e-9));
    // Where room is short, the median is worth more than the least value, and a power of ten more
    // than both.
    const auto touch = [&](double x, double other, int nines) {
      return x + (text_width("50 %") + text_width(nines_text(nines))) / 2 + 6 > other;
    };
    const double median = x_of(std::log10(2));
    const bool has_median = last < 1 || !touch(median, x_of(1), 1);
    if (!has_median || !touch(left_, median, 0)) draw_x_tick(left_, nines_text(0));
    if (has_median) draw_x_tick(median, "50 %");
    for (int nines = 1; nines <= last; ++nines) {
      draw_x_tick(x_of(nines), nines_text(nines));
    }
  }

  void draw_seconds() {
    for (const double tick : linear_ticks(x_max_, width_ == Width::wide ? 8 : 5)) {
      if (tick <= x_max_ * (1 + 1e-9)) draw_x_tick(x_of(tick), number_tick(tick));
    }
  }

  // Names beside the ends of their lines, moved apart where those are close, and tied to them.
  void draw_names_at_side() {
    struct Name {
      size_t index;
      double wanted;
      double y;
    };
    std::vector<Name> names;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].empty()) continue;
      const double y = y_of(places_[i].back().second);
      names.push_back({i, y, y});
    }
    std::stable_sort(names.begin(), names.end(), [](const Name& one, const Name& other) {
      return one.wanted < other.wanted;
    });
    double free_from = top_;
    for (Name& name : names) {
      name.y = std::max(name.y, free_from);
      free_from = name.y + line_height;
    }
    double free_to = bottom_;
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      name->y = std::min(name->y, free_to);
      free_to = name->y - line_height;
    }
    for (const Name& name : names) {
      const double end = x_of(places_[name.index].back().first);
      svg_.polyline(
          "leader " + colour_of(name.index),
          {{end + 3, name.wanted}, {right_ + 4, name.wanted}, {right_ + name_gap - 6, name.y}});
      svg_.circle("dot " + colour_of(name.index), end, name.wanted, 3);
      svg_.text("name",
                right_ + name_gap,
                name.y + text_size * 0.35,
                Anchor::start,
                fitted(lines_.lines[name.index].label, label_max));
    }
  }

  struct LegendPlace {
    size_t index;  // of the line
    double x;      // of its mark
    int row;
  };
  [[nodiscard]] std::vector<LegendPlace> place_legend() const {
    std::vector<LegendPlace> places;
    double x = 0;
    int row = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].empty()) continue;
      const double width = legend_mark + text_width(lines_.lines[i].label);
      if (x > 0 && x + width > width_units(width_)) {
        x = 0;
        ++row;
      }
      places.push_back({i, x, row});
      x += width + 14;
    }
    return places;
  }

  void draw_legend() {
    for (const auto& [index, x, row] : place_legend()) {
      const double y = 1.3 * line_height + text_size + line_height * row;
      svg_.line("series " + colour_of(index), x, y - 4, x + 16, y - 4);
      const double room = width_units(width_) - legend_mark;
      const std::string name = fitted(lines_.lines[index].label, room);
      svg_.text("name", x + legend_mark, y, Anchor::start, name);
    }
  }

  [[nodiscard]] std::string description() const {
    std::string text = lines_.hint;
    for (const Line& line : lines_.lines) {
      if (line.points.empty()) continue;
      const auto& values = line.points;
      const auto most = std::max_element(values.begin(), values.end(), [](auto& one, auto& other) {
        return one.second < other.second;
      });
      const std::string name = line.label.empty() ? lines_.y_name : line.label;
      text += fmt::format("{}{}: at most {}",
                          text.empty() ? "" : "; ",
                          name,
                          lines_.quantity == Quantity::microseconds ? duration_text(most->second)
                                                                    : number_text(most->second));
    }
    return text;
  }

  static constexpr double name_gap = 26;     // from the plot to a name at its side
  static constexpr double legend_mark = 22;  // a legend's stroke and the gap behind it

  const Lines& lines_;
  const Width width_;
  std::vector<Points> places_;  // x as it is drawn, of each line
  bool has_names_ = false;
  bool is_log_ = false;
  double x_max_ = 0;
  std::vector<double> ticks_;  // of y
  double left_ = 0;
  double right_ = 0;
  double top_ = 0;
  double bottom_ = 0;
  double x_ticks_end_ = -1e9;
  SvgWriter svg_;
};

}  // namespace

std::string svg_lines(const Lines& lines, Width width, std::string_view id) {
  return LinesChart(lines, width).draw(id);
}

}  // namespace bench::page
