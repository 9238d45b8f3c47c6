// bench/page, svg and the pages of runs and comparisons: golden pieces, and what must hold for all.
#include "bench/page/page.h"

#include <cmath>
#include <cstdio>
#include <sstream>

#include <doctest/doctest.h>

#include "bench/page/svg.h"
#include "bench/report/comparison_page.h"
#include "bench/report/report.h"
#include "bench/report/run_page.h"
#include "bench/report/run_parts.h"
#include "support/files.h"
#include "unit/bench/made_up.h"
#include "unit/bench/markup.h"

using bench::Json;
using bench::page::Page;
using bench::page::Width;

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Json read_back(const std::string& text) {
  auto json = bench::parse_json(text);
  REQUIRE_MESSAGE(json, (json ? "" : json.error()));
  return *json;
}

// Holds for every page: strict markup, nothing fetched, nothing run, ids that are there once and
// names that point to one.
markup::Found check_page(const std::string& html) {
  markup::Found found = markup::read(html);
  CHECK(found.problem == "");
  std::set<std::string> ids;
  std::string named;
  for (const auto& [name, attributes] : found.elements) {
    CHECK(name != "script");
    for (const auto& its : attributes) {
      const auto& [attribute, value] = its;
      CAPTURE(its.first);
      CAPTURE(its.second);
      CHECK_FALSE(attribute.starts_with("on"));
      CHECK(attribute != "src");
      if (attribute == "href") CHECK(value == "data:,");
      if (attribute == "id") CHECK(ids.insert(value).second);
      if (attribute == "aria-labelledby") named += value + " ";
    }
    if (name == "svg") CHECK(attributes.contains("aria-labelledby"));
  }
  std::istringstream names(named);
  for (std::string id; names >> id;) {
    CAPTURE(id);
    CHECK(ids.contains(id));
  }
  CHECK_FALSE(contains(html, "url("));
  CHECK_FALSE(contains(html, "@import"));
  return found;
}

constexpr auto contestants = R"("contestants": [
  {"name": "openai-proxy", "version": "1", "role": "ours"},
  {"name": "nginx", "version": "2"},
  {"name": "haproxy & <co>"},
  {"name": "direct", "role": "baseline"}],)";

// A comparison with one row, lower is better, of these values.
std::string comparison(const std::string& values, const std::string& better = "lower") {
  return std::string(R"({"kind": "comparison", "title": "Us <and> them", "rounds": 5,)") +
         contestants +
         R"("missing": [{"name": "envoy", "why": "not installed"}], "machine": {"cores": 2},)"
         R"("rows": [{"key": "k", "name": "CPU per request", "unit": "us", "better": ")" +
         better + R"(", "values": [)" + values + "]}]}";
}

std::string value(const std::string& name, double median, double spread = 0) {
  return R"({"contestant": ")" + name + R"(", "median": )" + std::to_string(median) +
         R"(, "min": )" + std::to_string(median - spread) + R"(, "max": )" +
         std::to_string(median + spread) + "}";
}

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

// A test's folder: adds files, reads them back.
struct Folder : test::TemporaryFolder {
  [[nodiscard]] std::string add(const std::string& name, const std::string& text) const {
    test::write_file(*this / name, text);
    return *this / name;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return test::read_file(*this / name);
  }
};

}  // namespace

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

TEST_CASE("the page of a run has its figures, charts and warnings") {
  const std::string html = bench::report::html_report(made_up::plan(), made_up::failing_outcome());
  const markup::Found found = check_page(html);
  CHECK(contains(html, "<h1>Load test: stream 75 %, chat 25 %</h1>"));
  CHECK(contains(html, "<p class=\"warning\">1,020 of 21,020 requests failed (4.85 %)"));
  CHECK(contains(html, "<span>Requests per second</span> <b>2,000</b>"));
  CHECK(contains(html, "<li class=\"tile bad\"><span>Failures</span> <b>1,020</b>"));
  CHECK(contains(html, "<th scope=\"row\">bad_status</th><td class=\"number\">1,003</td>"));
  CHECK(contains(html, "failures per second"));
  // Latency twice, for desk and phone; five charts over time once each.
  CHECK(markup::count(found, "svg") == 7);
  CHECK(markup::count(found, "desc") == 7);
}

TEST_CASE("a run without failures has no chart of them, and praise for none") {
  const std::string html = bench::report::html_report(made_up::plan(), made_up::outcome());
  check_page(html);
  CHECK_FALSE(contains(html, "failures per second"));
  CHECK(contains(html, "<li class=\"tile good\"><span>Failures</span> <b>0</b>"));
  CHECK_FALSE(contains(html, "class=\"warning\""));
}

TEST_CASE("a handful of values makes no curve, but stands in the table") {
  bench::load::Outcome outcome;
  outcome.elapsed_ns = made_up::second_ns;
  outcome.measures.requests = 9;
  outcome.measures.total.record(2'000'000, 9);
  outcome.timeline = {{made_up::second_ns / 2, 9, 0, 0, 0, 2'000'000},
                      {made_up::second_ns, 0, 0, 0, 0, 0}};
  const std::string html = bench::report::html_report(made_up::plan(), outcome);
  check_page(html);
  CHECK_FALSE(contains(html, "Latency by percentile"));
  CHECK(contains(html, "<th scope=\"row\">total</th><td class=\"number\">2.00 ms</td>"));
  const Json run = read_back(bench::report::json_report(made_up::plan(), outcome));
  const auto rates = bench::report::series_line(run, bench::report::Series::requests, "").points;
  CHECK(rates == std::vector<std::pair<double, double>>{{0.5, 18}, {1, 0}});
  // Where nothing was answered nothing was slow.
  CHECK(bench::report::series_line(run, bench::report::Series::p99, "").points.size() == 1);
}

TEST_CASE("a long run's seconds are drawn together, a short rest is left out") {
  bench::load::Outcome outcome;
  for (uint64_t i = 1; i <= 900; ++i) {
    outcome.timeline.push_back({i * made_up::second_ns, i % 3, 0, 0, 0, i * 1000});
  }
  outcome.timeline.push_back({900 * made_up::second_ns + 1000, 50, 0, 0, 0, 1});
  const Json run = read_back(bench::report::json_report(made_up::plan(), outcome));
  const auto rates = bench::report::series_line(run, bench::report::Series::requests, "").points;
  CHECK(rates.size() <= 300);
  CHECK(rates.front().second == doctest::Approx(1).epsilon(0.3));
  const auto slowest = bench::report::series_line(run, bench::report::Series::p99, "").points;
  CHECK(slowest[0].second == slowest[0].first);  // microseconds are the number of the last second
}

TEST_CASE("several runs are overlaid, and told apart where they were asked different things") {
  bench::load::Plan plan = made_up::plan();
  std::vector<bench::report::NamedRun> runs;
  runs.push_back({"before", read_back(bench::report::json_report(plan, made_up::outcome(1)))});
  runs.push_back({"after", read_back(bench::report::json_report(plan, made_up::outcome(2)))});
  const std::string html = bench::page::render_page(page_of_runs(runs));
  check_page(html);
  CHECK(contains(html, "<h1>2 load tests compared</h1>"));
  CHECK(contains(html, "<h3>First token</h3>"));
  CHECK(contains(html, "<h3>CPU per event</h3>"));
  CHECK_FALSE(contains(html, "asked for different things"));
  CHECK_FALSE(contains(html, "TLS handshake"));

  plan.connections = 1;
  plan.watched_pid = 0;
  runs.push_back({"other", read_back(bench::report::json_report(plan, bench::load::Outcome{}))});
  const std::string unlike = bench::page::render_page(page_of_runs(runs));
  check_page(unlike);
  CHECK(contains(unlike, "These runs were asked for different things (Load)"));
  CHECK(contains(unlike, "other: No request ended"));
  // A throughput of nothing is one.
  CHECK(contains(unlike, ">0 req/s</text>"));
}

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

TEST_CASE("pages are drawn from files") {
  const Folder folder;
  const std::string run = bench::report::json_report(made_up::plan(), made_up::outcome());
  const std::string out = folder / "page.html";
  const std::string first = folder.add("first.json", run);
  const std::string second = folder.add("second.json", run);
  const std::string contest =
      folder.add("contest.json", comparison(value("nginx", 1) + "," + value("openai-proxy", 2)));

  REQUIRE(bench::report::render_page_file({first}, out));
  CHECK(folder.read("page.html") ==
        bench::report::html_report(made_up::plan(), made_up::outcome()));
  REQUIRE(bench::report::render_page_file({first, second}, out));
  CHECK(contains(folder.read("page.html"), "<p>first, second</p>"));
  REQUIRE(bench::report::render_page_file({first, first}, out));
  CHECK(contains(folder.read("page.html"), "<p>" + first + ", " + first + "</p>"));
  REQUIRE(bench::report::render_page_file({contest}, out));
  CHECK(contains(folder.read("page.html"), "Us &lt;and&gt; them"));

  const auto refused = [&](const std::vector<std::string>& paths) {
    const auto drawn = bench::report::render_page_file(paths, out);
    REQUIRE_FALSE(drawn);
    return drawn.error();
  };
  CHECK(contains(refused({}), "no file to draw"));
  CHECK(contains(refused({folder / "none.json"}), "none.json: No such file or directory"));
  CHECK(contains(refused({folder.path()}), "Is a directory"));
  CHECK(
      contains(refused({folder.add("half.json", "{\n\"kind\": ")}), "half.json: no JSON: line 2"));
  CHECK(contains(refused({folder.add("other.json", R"({"kind": "cake"})")}),
                 "neither a result of --json nor a comparison (its `kind` is \"cake\")"));
  CHECK(contains(refused({first, contest}), "a comparison has a page of its own"));
  CHECK(contains(refused({folder.add("bare.json", R"({"kind": "comparison"})")}),
                 "bare.json: `contestants` is missing"));
  const auto drawn = bench::report::render_page_file({first}, folder / "none/page.html");
  REQUIRE_FALSE(drawn);
  CHECK(contains(drawn.error(), "cannot be written"));
}

TEST_CASE("a run's file with hardly anything in it still gives a page") {
  for (const auto* text : {R"({"kind": "run"})",
                           R"({"kind": "run", "plan": 7, "timeline": [1, {}], "warnings": [3],
                               "latency_us": {"total": {"count": 3, "curve": [[], [1], 2]}},
                               "watched": {}, "failures": [], "requests": 1e300})"}) {
    check_page(bench::page::render_page(bench::report::page_of_run(read_back(text))));
    const bench::report::NamedRun run{"odd", read_back(text)};
    check_page(bench::page::render_page(bench::report::page_of_runs({run, run})));
  }
}
