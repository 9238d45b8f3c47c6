// The page of a run, and of several laid over each other.
#include "bench/report/run_page.h"

#include <doctest/doctest.h>

#include "bench/page/page.h"
#include "bench/report/report.h"
#include "bench/report/run_parts.h"
#include "unit/bench/made_up.h"
#include "unit/bench/page_check.h"

using bench::Json;
using page_check::check_page;
using page_check::contains;
using page_check::read_back;

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
