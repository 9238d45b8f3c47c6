// The page of a comparison: who is ahead, by how much, and what is refused.
#include "bench/report/comparison_page.h"

#include <doctest/doctest.h>

#include "bench/page/page.h"
#include "unit/bench/made_up_comparison.h"
#include "unit/bench/page_check.h"

using bench::page::Page;
using made_up::comparison;
using made_up::value;
using page_check::check_page;
using page_check::contains;
using page_check::read_back;

namespace {

Page page_of(const std::string& text) {
  const auto page = bench::report::page_of_comparison(read_back(text));
  REQUIRE_MESSAGE(page, (page ? "" : page.error()));
  return *page;
}

// The chart of the only row.
bench::page::Bars bars_of(const std::string& text) {
  for (const bench::page::Section& section : page_of(text).sections) {
    for (const auto& part : section.parts) {
      if (const auto* bars = std::get_if<bench::page::Bars>(&part)) return *bars;
    }
  }
  FAIL("no bars");
  return {};
}

std::string problem_of(const std::string& text) {
  const auto page = bench::report::page_of_comparison(read_back(text));
  return page ? "" : page.error();
}

}  // namespace

TEST_CASE("bars stand with the best first, ours marked, the rest beside ours") {
  const std::string values = value("nginx", 50, 1) + "," + value("openai-proxy", 40, 1) + "," +
                             value("haproxy & <co>", 1000, 2) + "," + value("direct", 10);
  const bench::page::Bars lower = bars_of(comparison(values));
  REQUIRE(lower.bars.size() == 4);
  CHECK(lower.bars[0].label == "direct");
  CHECK(lower.bars[0].kind == bench::page::Bar::Kind::baseline);
  CHECK(lower.bars[1].label == "openai-proxy");
  CHECK(lower.bars[1].kind == bench::page::Bar::Kind::ours);
  CHECK(lower.bars[1].note == "");
  CHECK(lower.bars[2].note == "×1.25");
  CHECK(lower.bars[2].low == 49);
  CHECK(lower.bars[2].text == "50.0 µs");
  CHECK(lower.bars[3].note == "×25");
  CHECK(lower.verdict == "ahead of all 2");
  CHECK(lower.verdict_tone == bench::page::Tone::good);

  const bench::page::Bars higher = bars_of(comparison(values, "higher"));
  CHECK(higher.bars[0].label == "haproxy & <co>");
  CHECK(higher.verdict == "behind haproxy & <co> (96 % less), nginx (20 % less)");
}

TEST_CASE("a rival that is ahead is named, plainly") {
  const bench::page::Bars clear =
      bars_of(comparison(value("openai-proxy", 56, 1) + "," + value("nginx", 50, 1)));
  CHECK(clear.verdict == "behind nginx (12 % more)");
  CHECK(clear.verdict_tone == bench::page::Tone::bad);
  CHECK(contains(clear.hint, "lower is better; not measured: haproxy & <co>, direct"));

  const std::string close = comparison(value("openai-proxy", 51, 1) + "," + value("nginx", 50, 1));
  CHECK(bars_of(close).verdict == "behind nginx (2 % more, ranges overlap)");
  CHECK(bars_of(close).verdict_tone == bench::page::Tone::plain);
  for (const auto& [ours, rival] :
       std::vector<std::pair<double, double>>{{50, 49.6}, {50, 50.4}, {5, 5}, {0, 0}}) {
    const std::string level = comparison(value("openai-proxy", ours) + "," + value("nginx", rival));
    CHECK(bars_of(level).verdict == "level with nginx");
    CHECK(bars_of(level).verdict_tone == bench::page::Tone::plain);
  }

  CHECK(bars_of(comparison(value("openai-proxy", 500) + "," + value("nginx", 50))).verdict ==
        "behind nginx (10 times as much)");
  CHECK(bars_of(comparison(value("openai-proxy", 5) + "," + value("direct", 1))).verdict == "");
  CHECK(bars_of(comparison(value("nginx", 5))).verdict == "");
  CHECK(bars_of(comparison(value("openai-proxy", 5) + "," + value("nginx", 6))).verdict == "ahead");

  // Differences may be negative: no ratio then.
  const bench::page::Bars below =
      bars_of(comparison(value("openai-proxy", 5) + "," + value("nginx", -1)));
  CHECK(below.verdict == "behind nginx (-1.00 µs there)");
  CHECK(below.bars[0].note == "");
}

TEST_CASE("the page of a comparison counts wins and losses, and names who is missing") {
  const std::string html = bench::page::render_page(page_of(comparison(
      value("openai-proxy", 56, 1) + "," + value("nginx", 50, 1) + "," + value("direct", 9))));
  check_page(html);
  CHECK(contains(html, "<h1>Us &lt;and&gt; them</h1>"));
  CHECK(contains(html, "<b>0 of 1</b> <small>by the median</small>"));
  CHECK(contains(html, "<li class=\"tile bad\"><span>Behind</span> <b>1 of 1</b>"));
  CHECK(
      contains(html, "<th scope=\"row\">Figures: CPU per request</th><td>nginx (12 % more)</td>"));
  CHECK(contains(html, "<th scope=\"row\">envoy</th><td>not installed</td>"));
  CHECK(contains(html, "<th scope=\"row\">cores</th><td>2</td>"));
  CHECK(contains(html, "class=\"bar ours\""));
  CHECK(contains(html, "class=\"bar baseline\""));
}

TEST_CASE("failed requests, remarks and problems are shown beside the figure") {
  const std::string remarked = R"({"contestant": "nginx", "median": 5, "failed": 1200,)"
                               R"( "note": "9 % resumed"})";
  std::string text = comparison(value("openai-proxy", 4) + "," + remarked);
  text.insert(1, R"("problems": [{"contestant": "nginx", "measure": "size", "why": "<gone>"}],)");
  CHECK(contains(bars_of(text).hint, "; nginx: 9 % resumed, 1,200 requests failed"));
  CHECK(contains(bench::page::render_page(page_of(text)),
                 "<th scope=\"row\">nginx</th><td>size</td><td>&lt;gone&gt;</td>"));
}

TEST_CASE("a comparison that is wrong is refused with what is wrong") {
  CHECK(problem_of("{}") == "`contestants` is missing or empty");
  CHECK(problem_of(R"({"contestants": [{"name": "a"}]})") == "`rows` is missing or empty");
  CHECK(problem_of(R"({"contestants": [{"name": ""}]})") == "a contestant without a `name`");
  CHECK(problem_of(R"({"contestants": [{"name": "a", "role": "judge"}]})") ==
        "the `role` of a is none of ours, rival, baseline");
  CHECK(problem_of(R"({"contestants": [{"name": "a", "role": "ours"},
                                       {"name": "b", "role": "ours"}]})") ==
        "two contestants have the `role` ours");
  CHECK(problem_of(comparison(value("nobody", 1))) ==
        "row CPU per request: `nobody` is none of the contestants");
  CHECK(problem_of(comparison(value("nginx", 1) + "," + value("nginx", 2))) ==
        "row CPU per request: nginx stands twice");
  CHECK(problem_of(comparison(value("nginx", 1, -1))) ==
        "row CPU per request: the `median` of nginx is not between `min` and `max`");
  CHECK(problem_of(comparison(R"({"contestant": "nginx", "median": "1"})")) ==
        "row CPU per request: the `median` of nginx is no number");
  CHECK(problem_of(comparison(value("nginx", 1), "smaller")) ==
        "row CPU per request: `better` is neither lower nor higher");
}
