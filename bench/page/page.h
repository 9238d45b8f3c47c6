#pragma once

// A page of figures and its HTML: one file without any reference outward, charts as inline SVG.
// What stands on a page is decided by run_page.h and comparison_page.h.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bench::page {

enum class Tone : uint8_t { plain, good, bad };

// All texts below are plain text, escaped when written. All are values.

struct Tile {
  std::string label;
  std::string value;
  std::string note;  // may be empty
  Tone tone = Tone::plain;
};
struct Tiles {
  std::vector<Tile> tiles;
};

struct Paragraph {
  std::string text;
  Tone tone = Tone::plain;  // bad: a boxed warning
};

struct Column {
  std::string name;
  bool is_number = true;  // aligned right
};
struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  // as long as columns
};

// A chart of half the page's width stands beside the next one where there is room for two.
enum class Size : uint8_t { full, half };

// Horizontal bars from zero, with a whisker from `low` to `high` where those differ.
struct Bar {
  enum class Kind : uint8_t { ours, rival, baseline };
  std::string label;
  double value = 0;
  double low = 0;
  double high = 0;
  std::string text;  // the value with its unit, beside the bar
  std::string note;  // smaller, behind the text: "×1.25"
  Kind kind = Kind::rival;
  int series = -1;  // 0 and up: drawn in the colour of the line with that index, whatever the kind
};
struct Bars {
  std::string title;
  std::string hint;     // "CPU per request, lower is better"
  std::string verdict;  // short: "behind nginx by 12 %"; may be empty
  Tone verdict_tone = Tone::plain;
  Size size = Size::full;
  std::vector<Bar> bars;  // drawn in this order
  Table figures;          // the same as text, for those who do not see
};

// Lines over x. The last point of each line carries its label.
enum class Quantity : uint8_t { microseconds, number, mebibytes };
enum class XAxis : uint8_t {
  percentile,  // x is a percentage, drawn as log10 of 1 / (1 - x / 100), as HdrHistogram does
  seconds,
};
struct Line {
  std::string label;
  std::vector<std::pair<double, double>> points;  // x ascending
};
struct Lines {
  std::string title;
  std::string hint;
  std::string y_name;  // "requests per second"
  Quantity quantity = Quantity::number;
  XAxis x_axis = XAxis::seconds;
  Tone tone = Tone::plain;  // bad: drawn in the colour of failures
  Size size = Size::full;
  std::vector<Line> lines;
  Table figures;
};

struct Section {
  std::string heading;
  std::vector<std::variant<Paragraph, Tiles, Table, Bars, Lines>> parts;
};

struct Page {
  std::string title;
  std::string subtitle;
  std::vector<Section> sections;
  std::string footer;
};

// The whole HTML document.
[[nodiscard]] std::string render_page(const Page& page);

// `text` with the five characters escaped that mean something in HTML; controls that no HTML may
// hold become U+FFFD.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace bench::page
