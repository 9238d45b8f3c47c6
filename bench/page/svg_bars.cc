// Horizontal bars with whiskers: names on the left, or above the bars where there is little room.

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "bench/page/svg.h"

namespace bench::page {
namespace {

constexpr double bar_height = 16;
constexpr double gap = 8;          // between things side by side
constexpr double label_max = 190;  // of a name at the side of its bar
constexpr double strong = 1.15;    // how much wider a strong name is

std::string description_of(const Bars& bars) {
  std::string text = bars.hint;
  for (const Bar& bar : bars.bars) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", bar.label, bar.text);
    if (!bar.note.empty()) text += " (" + bar.note + ")";
  }
  return text;
}

std::string class_of(const Bar& bar) {
  if (bar.series >= 0) {
    return fmt::format("bar s{}", static_cast<size_t>(bar.series) % series_colours);
  }
  switch (bar.kind) {
    case Bar::Kind::ours:
      return "bar ours";
    case Bar::Kind::rival:
      return "bar rival";
    case Bar::Kind::baseline:
      return "bar baseline";
  }
  return "bar";
}

double width_of_value(const Bar& bar) {
  return text_width(bar.text) + (bar.note.empty() ? 0 : gap + text_width(bar.note));
}

// Where things stand, the same for all bars of a chart.
struct Layout {
  double left = 0;    // of the bars
  double room = 0;    // of the longest bar or whisker
  double row = 0;     // from bar to bar
  double bar_at = 0;  // from the top of its row
  double most = 1;    // the value as wide as `room`
};

Layout layout_of(const Bars& bars, Width width) {
  Layout layout;
  double label_width = 0;
  double value_width = 0;
  layout.most = 0;
  for (const Bar& bar : bars.bars) {
    const double widening = bar.kind == Bar::Kind::ours ? strong : 1;
    label_width = std::max(label_width, std::min(text_width(bar.label) * widening, label_max));
    value_width = std::max(value_width, width_of_value(bar));
    layout.most = std::max({layout.most, bar.value, bar.high});
  }
  if (!(layout.most > 0)) layout.most = 1;
  if (width == Width::wide) {
    layout.left = std::ceil(label_width) + 12;
    layout.row = 28;
    layout.bar_at = 6;
  } else {
    layout.left = 1;
    layout.row = 46;
    layout.bar_at = 22;
  }
  constexpr double room_min = 60;
  layout.room = std::max(width_units(width) - layout.left - value_width - gap - 2, room_min);
  return layout;
}

void draw_bar(SvgWriter& svg, const Bar& bar, const Layout& layout, Width width, double top) {
  const auto x_of = [&](double value) {
    return layout.left + std::clamp(value / layout.most, 0.0, 1.0) * layout.room;
  };
  const double bar_top = top + layout.bar_at;
  const double middle = bar_top + bar_height / 2;
  const double base_line = middle + text_size * 0.35;
  const std::string label_class = bar.kind == Bar::Kind::ours ? "name strong" : "name";
  if (width == Width::wide) {
    svg.text(label_class,
             layout.left - 12,
             base_line,
             Anchor::end,
             fitted(bar.label, std::min(label_max, layout.left - 12)));
  } else {
    const std::string name = fitted(bar.label, width_units(width) - 2);
    svg.text(label_class, layout.left, bar_top - 6, Anchor::start, name);
  }
  svg.rectangle(class_of(bar), layout.left, bar_top, x_of(bar.value) - layout.left, bar_height);
  if (width == Width::narrow) {
    svg.line("axis", layout.left, bar_top - 1, layout.left, bar_top + bar_height + 1);
  }
  double end = x_of(bar.value);
  // Ends closer than a unit are one.
  if (x_of(bar.high) - x_of(bar.low) >= 1) {
    constexpr double half_cap = 4;
    svg.line("whisker", x_of(bar.low), middle, x_of(bar.high), middle);
    for (const double x : {x_of(bar.low), x_of(bar.high)}) {
      svg.line("whisker", x, middle - half_cap, x, middle + half_cap);
    }
    end = std::max(end, x_of(bar.high));
  }
  svg.text("value", end + gap, base_line, Anchor::start, bar.text);
  if (!bar.note.empty()) {
    svg.text("note", end + 2 * gap + text_width(bar.text), base_line, Anchor::start, bar.note);
  }
}

}  // namespace

std::string svg_bars(const Bars& bars, Width width, std::string_view id) {
  const Layout layout = layout_of(bars, width);
  SvgWriter svg;
  double top = 0;
  for (const Bar& bar : bars.bars) {
    draw_bar(svg, bar, layout, width, top);
    top += layout.row;
  }
  if (width == Width::wide) svg.line("axis", layout.left, 0, layout.left, top);
  return svg.finish(width, top + 2, id, bars.title, description_of(bars));
}

}  // namespace bench::page
