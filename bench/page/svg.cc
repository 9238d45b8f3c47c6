#include "bench/page/svg.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/ascii.h"

namespace bench::page {
namespace {

constexpr std::string_view anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::start:
      return "start";
    case Anchor::middle:
      return "middle";
    case Anchor::end:
      return "end";
  }
  return "start";
}

// How many bytes the code point takes that begins with `first`; a stray byte is one by itself.
size_t sequence_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}

// In em, of DejaVu Sans, the widest of the usual fonts.
double em_width(std::string_view sequence) {
  const char first = sequence.front();
  if (sequence.size() >= 3) return first >= '\xe3' ? 1.05 : 0.7;   // from U+3000 on: CJK
  if (sequence.size() == 2) return first == '\xc3' ? 0.84 : 0.66;  // × among them, µ not
  if (std::string_view(" .,:;'|!iljI()[]/").find(first) != std::string_view::npos) return 0.4;
  if (std::string_view("mwMW%@").find(first) != std::string_view::npos) return 0.98;
  return base::is_upper(first) ? 0.72 : 0.64;
}

}  // namespace

double width_units(Width width) {
  return width == Width::wide ? 800 : 360;
}

double text_width(std::string_view text) {
  double em = 0;
  for (size_t at = 0; at < text.size();) {
    const std::string_view sequence = text.substr(at, sequence_length(text[at]));
    em += em_width(sequence);
    at += sequence.size();
  }
  return em * text_size;
}

std::string fitted(std::string_view text, double width) {
  if (text_width(text) <= width) return std::string(text);
  constexpr std::string_view ellipsis = "…";
  const double room = width - text_width(ellipsis);
  double used = 0;
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view sequence = text.substr(at, sequence_length(text[at]));
    used += em_width(sequence) * text_size;
    if (used > room) break;
    at += sequence.size();
  }
  return std::string(text.substr(0, at)).append(ellipsis);
}

void SvgWriter::line(std::string_view css_class, double x1, double y1, double x2, double y2) {
  body_ += fmt::format(R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)"
                       "\n",
                       css_class,
                       x1,
                       y1,
                       x2,
                       y2);
}

void SvgWriter::rectangle(
    std::string_view css_class, double x, double y, double width, double height) {
  body_ += fmt::format(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)"
                       "\n",
                       css_class,
                       x,
                       y,
                       width,
                       height);
}

void SvgWriter::circle(std::string_view css_class, double x, double y, double radius) {
  body_ += fmt::format(R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>)"
                       "\n",
                       css_class,
                       x,
                       y,
                       radius);
}

void SvgWriter::polyline(std::string_view css_class,
                         const std::vector<std::pair<double, double>>& points) {
  body_ += fmt::format(R"(<polyline class="{}" points=")", css_class);
  for (const auto& [x, y] : points) {
    fmt::format_to(std::back_inserter(body_), "{:.1f},{:.1f} ", x, y);
  }
  body_ += "\"/>\n";
}

void SvgWriter::text(
    std::string_view css_class, double x, double y, Anchor anchor, std::string_view text) {
  body_ += fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)"
                       "\n",
                       css_class,
                       x,
                       y,
                       anchor_name(anchor),
                       escape_html(text));
}

std::string SvgWriter::finish(Width width,
                              double height,
                              std::string_view id,
                              std::string_view title,
                              std::string_view description) const {
  const std::string_view name = width == Width::wide ? "wide" : "narrow";
  return fmt::format(R"(<svg class="{0}" viewBox="0 0 {1:.0f} {2:.0f}" role="img" )"
                     R"(aria-labelledby="{3}-{0}-title {3}-{0}-desc">)"
                     "\n"
                     R"(<title id="{3}-{0}-title">{4}</title>)"
                     "\n"
                     R"(<desc id="{3}-{0}-desc">{5}</desc>)"
                     "\n{6}</svg>\n",
                     name,
                     width_units(width),
                     std::ceil(height),
                     id,
                     escape_html(title),
                     escape_html(description),
                     body_);
}

std::vector<double> linear_ticks(double max, int wanted) {
  if (!(max > 0) || !std::isfinite(max)) return {0, 1};
  const double rough = max / wanted;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  }
  std::vector<double> ticks;
  const auto count = static_cast<int>(std::ceil(max / step * (1 - 1e-9)));
  for (int i = 0; i <= count; ++i) {
    ticks.push_back(step * i);
  }
  return ticks;
}

std::vector<double> log_ticks(double min, double max) {
  constexpr double slack = 1e-9;
  const auto first = static_cast<int>(std::floor(std::log10(min) + slack));
  const auto last = static_cast<int>(std::ceil(std::log10(max) - slack));
  const bool are_few = max <= 100 * min;
  const int stride = std::max(1, (last - first + 5) / 6);
  std::vector<double> ticks;
  for (int power = first; ticks.size() < 2 || ticks.back() < max * (1 - slack); power += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, power);
      const bool is_wanted = factor == 1.0 || are_few;
      const bool is_past = ticks.size() >= 2 && ticks.back() >= max * (1 - slack);
      if (!is_wanted || is_past) continue;
      // Only the last one at or below the least value is needed.
      if (tick <= min * (1 + slack)) ticks.clear();
      ticks.push_back(tick);
    }
  }
  return ticks;
}

}  // namespace bench::page
