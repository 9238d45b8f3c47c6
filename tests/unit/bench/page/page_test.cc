// What a page is made of: text, tables, charts.
#include "bench/page/page.h"

#include <doctest/doctest.h>

#include "bench/page/svg.h"
#include "unit/bench/page_check.h"

using bench::page::Page;
using bench::page::Width;
using page_check::check_page;
using page_check::contains;

TEST_CASE("text is escaped for HTML") {
  CHECK(bench::page::escape_html("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(bench::page::escape_html("line\n\ttab é") == "line\n\ttab é");
  CHECK(bench::page::escape_html(std::string_view("\0\x1b\x7f", 3)) == "\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("every text of a page is escaped, wherever it stands") {
  const std::string evil = "</style><script>alert('x')</script>&\"";
  Page page;
  page.title = page.subtitle = page.footer = evil;
  bench::page::Table table{evil, {{evil, false}, {evil}}, {{evil, evil}}};
  bench::page::Bars bars;
  bars.title = bars.hint = bars.verdict = evil;
  bars.bars = {{evil, 1, 0.5, 2, evil, evil, bench::page::Bar::Kind::ours}};
  bars.figures = table;
  bench::page::Lines lines;
  lines.title = lines.hint = lines.y_name = evil;
  lines.lines = {{evil, {{0, 1}, {1, 2}}}, {evil, {}}};
  lines.figures = table;
  page.sections = {{evil,
                    {bench::page::Paragraph{evil, bench::page::Tone::bad},
                     bench::page::Tiles{{{evil, evil, evil, bench::page::Tone::good}}},
                     table,
                     bars,
                     lines}}};
  const std::string html = bench::page::render_page(page);
  CHECK_FALSE(contains(html, "<script"));
  CHECK(contains(html, "&lt;script&gt;"));
  check_page(html);
}

TEST_CASE("ticks are round and reach over what is drawn") {
  using Ticks = std::vector<double>;
  CHECK(bench::page::linear_ticks(0, 4) == Ticks{0, 1});
  CHECK(bench::page::linear_ticks(10, 4) == Ticks{0, 2.5, 5, 7.5, 10});
  CHECK(bench::page::linear_ticks(1234, 4) == Ticks{0, 500, 1000, 1500});
  CHECK(bench::page::log_ticks(15, 90) == Ticks{10, 20, 50, 100});
  CHECK(bench::page::log_ticks(5, 6) == Ticks{5, 10});
  CHECK(bench::page::log_ticks(100, 100) == Ticks{100, 200});
  CHECK(bench::page::log_ticks(1, 100'000) == Ticks{1, 10, 100, 1000, 10'000, 100'000});
  for (double max = 1e-3; max < 1e12; max *= 1.7) {
    CAPTURE(max);
    const Ticks linear = bench::page::linear_ticks(max, 4);
    CHECK(linear.back() >= max * (1 - 1e-6));
    CHECK(linear.size() <= 6);
    const Ticks logarithmic = bench::page::log_ticks(1e-3, max);
    CHECK(logarithmic.front() <= 1e-3);
    CHECK(logarithmic.back() >= max * (1 - 1e-6));
    CHECK(logarithmic.size() <= 9);
  }
}

TEST_CASE("texts are measured and cut by characters") {
  CHECK(bench::page::text_width("mm") > bench::page::text_width("ii"));
  CHECK(bench::page::text_width("测试") > bench::page::text_width("ab"));
  CHECK(bench::page::fitted("short", 1000) == "short");
  const std::string cut = bench::page::fitted("一二三四五六七八九十", 80);
  CHECK(cut == "一二三四五…");
  CHECK(bench::page::text_width(cut) <= 80);
  CHECK(bench::page::fitted("abc", 0) == "…");
}

TEST_CASE("a chart of odd data is drawn all the same") {
  bench::page::Lines lines;
  lines.title = "odd";
  lines.quantity = bench::page::Quantity::microseconds;
  for (const auto x_axis : {bench::page::XAxis::percentile, bench::page::XAxis::seconds}) {
    lines.x_axis = x_axis;
    for (const std::vector<bench::page::Line>& these : std::vector<std::vector<bench::page::Line>>{
             {},
             {{"none", {}}},
             {{"one", {{100, 5}}}},
             {{"zero", {{0, 0}, {100, 0}}}},
             {{"wide", {{0, 1}, {50, 1e9}, {100, 1e9}}}, {"", {}}}}) {
      lines.lines = these;
      for (const Width width : {Width::wide, Width::narrow}) {
        const std::string svg = svg_lines(lines, width, "id");
        CHECK_FALSE(contains(svg, "nan"));
        CHECK_FALSE(contains(svg, "inf"));
        CHECK(contains(svg, "<title id=\"id-"));
      }
    }
  }
  bench::page::Bars bars;
  bars.bars = {{"zero", 0, 0, 0, "0", ""}, {"below", -1, -2, 0, "-1", ""}};
  for (const Width width : {Width::wide, Width::narrow}) {
    const std::string svg = svg_bars(bars, width, "id");
    CHECK_FALSE(contains(svg, "nan"));
    CHECK_FALSE(contains(svg, "width=\"-"));
  }
}
