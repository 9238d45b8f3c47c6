// bench/units, json, figures and the text and JSON reports, over made-up outcomes.
#include "bench/report/report.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include <doctest/doctest.h>

#include "bench/base/json.h"
#include "bench/base/units.h"
#include "bench/report/figures.h"
#include "unit/bench/made_up.h"

using namespace std::string_literals;
using bench::Json;
using bench::parse_json;
using bench::load::Outcome;
using bench::load::Plan;

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::string line_with(const std::string& text, std::string_view begin) {
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with(begin)) return line;
  }
  return {};
}

// Code points, each a column for the characters that reports use.
size_t columns(std::string_view line) {
  size_t count = 0;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
  }
  return count;
}

Json read_back(const std::string& text) {
  auto json = parse_json(text);
  CAPTURE(text);
  REQUIRE_MESSAGE(json, (json ? "" : json.error()));
  return *json;
}

Json json_of(const Plan& plan, const Outcome& outcome) {
  return read_back(bench::report::json_report(plan, outcome));
}

}  // namespace

TEST_CASE("durations have three digits and the unit that fits") {
  const std::vector<std::pair<double, std::string>> cases = {
      {0, "0"},
      {0.0854, "85.4 ns"},
      {0.9994, "999 ns"},
      {0.99996, "1.00 µs"},
      {1, "1.00 µs"},
      {12.34, "12.3 µs"},
      {999.4, "999 µs"},
      {999.6, "1.00 ms"},
      {9'996, "10.0 ms"},
      {1'234'567, "1.23 s"},
      {1.5e9, "1,500 s"},
      {1.2345678e12, "1,234,568 s"},
      {std::numeric_limits<double>::infinity(), "–"},
      {std::nan(""), "–"},
      {-1500, "-1.50 ms"},
  };
  for (const auto& its : cases) {
    CAPTURE(its.first);
    CHECK(bench::duration_text(its.first) == its.second);
  }
}

TEST_CASE("numbers, sizes and shares") {
  CHECK(bench::count_text(0) == "0");
  CHECK(bench::count_text(999) == "999");
  CHECK(bench::count_text(1000) == "1,000");
  CHECK(bench::count_text(UINT64_MAX) == "18,446,744,073,709,551,615");
  CHECK(bench::whole_text(1234.6) == "1,235");
  CHECK(bench::number_text(0) == "0");
  CHECK(bench::number_text(0.012345) == "0.0123");
  CHECK(bench::number_text(9.996) == "10.0");
  CHECK(bench::number_text(99.96) == "100");
  CHECK(bench::number_text(123456.7) == "123,457");
  CHECK(bench::number_text(-1234) == "-1,234");
  CHECK(bench::number_text(-123) == "-123");
  CHECK(bench::size_text(0) == "0 B");
  CHECK(bench::size_text(512) == "512 B");
  CHECK(bench::size_text(1023) == "1023 B");
  CHECK(bench::size_text(1536) == "1.50 KiB");
  CHECK(bench::size_text(20.0 * 1024 * 1024) == "20.0 MiB");
  CHECK(bench::size_text(3.5e13) == "32,596 GiB");
  CHECK(bench::share_text(1, 3) == "33.3 %");
  CHECK(bench::share_text(0, 0) == "0 %");
}

TEST_CASE("a quantity is scaled by its unit, also before a slash") {
  CHECK(bench::quantity_text(1500, "us") == "1.50 ms");
  CHECK(bench::quantity_text(41.2, "us/request") == "41.2 µs/request");
  CHECK(bench::quantity_text(2048, "bytes/stream") == "2.00 KiB/stream");
  CHECK(bench::quantity_text(31234, "req/s") == "31,234 req/s");
  CHECK(bench::quantity_text(7, "") == "7.00");
}

TEST_CASE("ticks drop the digits that say nothing") {
  CHECK(bench::duration_tick(0) == "0");
  CHECK(bench::duration_tick(1500) == "1.5 ms");
  CHECK(bench::duration_tick(100) == "100 µs");
  CHECK(bench::duration_tick(1e7) == "10 s");
  CHECK(bench::number_tick(2.5) == "2.5");
  CHECK(bench::number_tick(1000) == "1,000");
  CHECK(bench::number_tick(0.25) == "0.25");
  CHECK(bench::capitalised("first byte") == "First byte");
  CHECK(bench::capitalised("").empty());
}

TEST_CASE("JSON is read as RFC 8259 has it") {
  const Json json = read_back(
      R"( {"a": [1, -0.5e+2, true, null, {}], "t": "\u00e9\ud83d\ude00\n\/", "a b": false} )");
  REQUIRE(json["a"].list().size() == 5);
  CHECK(json["a"].list()[1].number() == -50);
  CHECK(*json["a"].list()[2].as_bool());
  CHECK(json["a"].list()[3].number(7) == 7);
  CHECK(json["a"].list()[4].is_object());
  CHECK(json["t"].text() == "é😀\n/");
  CHECK(json["a b"].as_bool().has_value());
  CHECK_FALSE(json.has("b"));
  CHECK(json["b"]["c"].text("none") == "none");
  CHECK(json["t"].list().empty());
  CHECK(read_back("[]").list().empty());
}

TEST_CASE("what is no JSON is refused, with its line") {
  const std::vector<std::string> cases = {
      "",
      "{",
      "[1,]",
      "{\"a\":1,}",
      "{a: 1}",
      "{\"a\" 1}",
      "01",
      "-",
      "1.",
      "1e",
      ".5",
      "+1",
      "1e400",
      "nan",
      "Infinity",
      "tru",
      "\"open",
      "\"line\nbreak\"",
      R"("\x")",
      R"("\u12g4")",
      R"("\ud83d")",
      R"("\ude00")",
      R"("\ud83dx")",
      "[] []",
      "'a'",
      "\0"s,
      std::string(100'000, '['),
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text));
  }
  const auto third = parse_json("{\n\"a\": 1,\n\"b\" 2}");
  REQUIRE_FALSE(third);
  CHECK(third.error().starts_with("line 3, column "));
  CHECK(contains(third.error(), "expected ':'"));
}

TEST_CASE("what the writer writes is read back as it was") {
  const std::string nasty = "quote\" back\\slash \n\x01\x1f é < & /";
  const nlohmann::ordered_json written = {{"text", nasty},
                                          {"whole", uint64_t{1} << 53},
                                          {"part", 0.1},
                                          {"none", std::nan("")},
                                          {"broken", "a\xff"},
                                          {"line", {true, nlohmann::ordered_json::object()}}};
  const std::string text = bench::json_lines(written);
  CHECK(contains(text, "  \"line\": [true,{}]\n"));
  const Json json = read_back(text);
  CHECK(json["text"].text() == nasty);
  CHECK(json["whole"].number() == 9007199254740992.0);
  CHECK(json["part"].number() == 0.1);
  CHECK(json["broken"].text() == "a\ufffd");
  CHECK(json.has("none"));
  CHECK_FALSE(json["none"].as_number().has_value());
}

TEST_CASE("the curve of percentiles climbs from the least to the most") {
  bench::Histogram histogram;
  CHECK(bench::report::percentile_curve(histogram).empty());
  histogram.record(5);
  const auto lone = bench::report::percentile_curve(histogram);
  CHECK(lone.front() == std::pair<double, uint64_t>{0, 5});
  CHECK(lone.back() == std::pair<double, uint64_t>{100, 5});
  for (uint64_t value = 1; value <= 100'000; ++value) {
    histogram.record(value * 100);
  }
  const auto curve = bench::report::percentile_curve(histogram);
  CHECK(curve.size() > 100);
  CHECK(curve.front().second == histogram.min());
  CHECK(curve.back() == std::pair<double, uint64_t>{100, histogram.max()});
  bool has_median = false;
  for (size_t i = 1; i < curve.size(); ++i) {
    CHECK(curve[i - 1].first < curve[i].first);
    CHECK(curve[i - 1].second <= curve[i].second);
    has_median = has_median || std::fabs(curve[i].first - 50) < 1e-9;
  }
  CHECK(has_median);
}

TEST_CASE("the text report says what was run, in lines of at most 100 columns") {
  const std::string text = bench::report::text_report(made_up::plan(), made_up::failing_outcome());
  CHECK(contains(text, "http://127.0.0.1:8080/base\n"));
  CHECK(contains(text, "stream 75 %, chat 25 %\n"));
  CHECK(contains(text, "closed loop of 64 connections, 2 threads\n"));
  CHECK(contains(text, "10.0 s, after 1 s of warm-up\n"));
  CHECK(contains(line_with(text, "throughput"), "2,000 req/s, 150,000 events/s, 33.8 MiB/s"));
  CHECK(contains(line_with(text, "requests"), "20,000 answered, 1,020 failed"));
  CHECK(contains(line_with(text, "errors"), "reset 17, bad_status 1,003"));
  CHECK(contains(line_with(text, "statuses"), "20,000 × 200, 1,003 × 429"));
  CHECK(contains(line_with(text, "stalls"), "2 gaps over 1 s"));
  CHECK(contains(line_with(text, "watched process"), "50.0 % CPU, 12.0 MiB RSS, 16.0 MiB at"));
  CHECK(contains(line_with(text, "  its CPU"), "238 µs per request, 3.33 µs per event, 14.8 ms"));
  CHECK(contains(line_with(text, "  its memory"), "192 KiB more at its peak per open stream"));
  CHECK(contains(line_with(text, "load tool"), "90.0 % CPU"));
  for (const std::string& line : lines_of(text)) {
    CAPTURE(line);
    CHECK(columns(line) <= 100);
    CHECK_FALSE(line.ends_with(' '));
  }
}

TEST_CASE("the table of latencies is aligned and leaves out what nobody measured") {
  const std::string text = bench::report::text_report(made_up::plan(), made_up::outcome());
  const size_t width = columns(line_with(text, "latency"));
  CHECK(width > 70);
  for (const auto* row : {"connect  ", "first byte", "first token", "token gap", "total"}) {
    CAPTURE(row);
    CHECK(columns(line_with(text, row)) == width);
  }
  CHECK_FALSE(contains(text, "TLS handshake"));
  // 64 values have no 99th percentile of their own.
  CHECK(contains(line_with(text, "connect  "), "80.0 µs          –          –    80.0 µs"));
  CHECK_FALSE(contains(text, "errors"));
  CHECK_FALSE(contains(text, "late starts"));
}

TEST_CASE("an outcome without anything in it can be reported") {
  const Plan plan = made_up::plan();
  const Outcome nothing;
  CHECK(contains(bench::report::text_report(plan, nothing), "0 answered, 0 failed"));
  CHECK(contains(bench::report::text_report(plan, nothing), "WARNING: No request ended"));
  const Json json = json_of(plan, nothing);
  CHECK(json["requests_per_s"].number(-1) == 0);
  CHECK(json["latency_us"].members().empty());
  CHECK_FALSE(json.has("watched"));
  CHECK(contains(bench::report::html_report(plan, nothing), "No request was measured."));
}

TEST_CASE("no report shows the key, a field, a query or a body") {
  Plan plan = made_up::plan();
  for (const auto* path : {"", "/v1/models?api-key=path-secret"}) {
    plan.path = path;
    const Outcome outcome = made_up::outcome();
    for (const std::string& report : {bench::report::text_report(plan, outcome),
                                      bench::report::json_report(plan, outcome),
                                      bench::report::html_report(plan, outcome)}) {
      CHECK_FALSE(contains(report, "secret"));
    }
  }
  CHECK(contains(bench::report::text_report(plan, made_up::outcome()),
                 "http://127.0.0.1:8080/v1/models\n"));
}

TEST_CASE("every report says when, on what machine and by what command line it was made") {
  const Plan plan = made_up::plan();
  const Outcome outcome = made_up::outcome();
  const Json json = json_of(plan, outcome);
  CHECK(json["date"].text() == "2026-11-28T14:10:21Z");
  CHECK(json["machine"]["host"].text() == "made-up-host");
  CHECK(json["machine"]["cpu"].text() == "Some CPU");
  CHECK(json["machine"]["cores"].number() == 2);
  CHECK(json["machine"]["kernel"].text() == "Linux 6.1 x86_64");
  CHECK(json["command_line"].text() == plan.command_line);
  for (const std::string& report :
       {bench::report::text_report(plan, outcome), bench::report::html_report(plan, outcome)}) {
    for (const char* text : {"2026-11-28T14:10:21Z", "made-up-host", "Some CPU", "Linux 6.1"})
      CHECK(contains(report, text));
  }
  CHECK(contains(bench::report::html_report(plan, outcome), plan.command_line));

  const bench::load::Machine here = bench::load::this_machine();
  CHECK(here.date.size() == 20);
  CHECK_FALSE(here.host.empty());
  CHECK_FALSE(here.cpu.empty());
  CHECK(here.kernel.starts_with("Linux "));
  CHECK(here.cores > 0);
}

TEST_CASE("idle streams are reported by what a connection costs, first of all") {
  Plan plan = made_up::plan();
  plan.works = {{bench::load::Scenario::idle, 1}};
  Outcome outcome = made_up::outcome();
  CHECK(
      bench::report::text_report(plan, outcome)
          .starts_with("memory            192 KiB per connection, 64 open, from 4.00 MiB to 16.0"));
  CHECK(json_of(plan, outcome)["memory_per_connection_bytes"].number() == 196608);
  const std::string page = bench::report::html_report(plan, outcome);
  CHECK(page.find("Memory per connection") < page.find("Requests per second"));
  outcome.watched.reset();
  CHECK(bench::report::text_report(plan, outcome).starts_with("memory            not measured"));
  CHECK_FALSE(json_of(plan, outcome).has("memory_per_connection_bytes"));
  CHECK(contains(bench::report::html_report(plan, outcome), "no process was watched"));
  CHECK_FALSE(json_of(made_up::plan(), made_up::outcome()).has("memory_per_connection_bytes"));
}

TEST_CASE("warnings name what makes the figures doubtful") {
  Plan plan = made_up::plan();
  CHECK(bench::report::warnings_of(plan, made_up::outcome()).empty());

  Outcome busy = made_up::outcome();
  busy.self.cpu_ns = 17 * made_up::second_ns;  // of 20, with two threads
  CHECK(bench::report::warnings_of(plan, busy).empty());
  busy.self.cpu_ns = 19 * made_up::second_ns;
  REQUIRE(bench::report::warnings_of(plan, busy).size() == 1);
  CHECK(contains(bench::report::warnings_of(plan, busy)[0], "190 % CPU with 2 threads"));

  const auto failed = bench::report::warnings_of(plan, made_up::failing_outcome());
  REQUIRE(failed.size() == 1);
  CHECK(contains(failed[0], "1,020 of 21,020 requests failed (4.85 %)"));

  Outcome interrupted = made_up::outcome();
  interrupted.interrupted = true;
  REQUIRE(bench::report::warnings_of(plan, interrupted).size() == 1);
  CHECK(contains(bench::report::warnings_of(plan, interrupted)[0], "interrupted"));

  plan.rate = 2000;
  CHECK(bench::report::warnings_of(plan, made_up::outcome()).empty());
  plan.rate = 3000;
  REQUIRE(bench::report::warnings_of(plan, made_up::outcome()).size() == 1);
  CHECK(contains(bench::report::warnings_of(plan, made_up::outcome())[0],
                 "3,000 requests a second were asked"));
  Outcome late = made_up::outcome();
  late.measures.late_starts = 1000;
  REQUIRE(bench::report::warnings_of(plan, late).size() == 1);
  CHECK(contains(bench::report::warnings_of(plan, late)[0],
                 "1,000 requests were due while all 64 connections"));
  plan.rate = 2000;
  late.measures.late_starts = 100;
  CHECK(bench::report::warnings_of(plan, late).empty());

  Outcome idle;
  idle.elapsed_ns = made_up::second_ns;
  CHECK(bench::report::warnings_of(plan, idle).size() == 2);
  idle.measures.events = 100;
  plan.rate = 0;
  CHECK(bench::report::warnings_of(plan, idle).empty());

  const std::string text = bench::report::text_report(plan, busy);
  CHECK(contains(text, "\nWARNING: The load tool itself was the limit"));
}

TEST_CASE("an open loop says its rate and its late starts") {
  Plan plan = made_up::plan();
  plan.rate = 2000;
  plan.arrivals = bench::load::Arrivals::poisson;
  Outcome outcome = made_up::outcome();
  outcome.measures.late_starts = 50;
  const std::string text = bench::report::text_report(plan, outcome);
  CHECK(contains(text, "open loop at 2,000 req/s (Poisson), at most 64 connections"));
  CHECK(contains(line_with(text, "late starts"), "50 requests (0.250 %)"));
  const Json json = json_of(plan, outcome);
  CHECK(json["plan"]["loop"].text() == "open");
  CHECK(json["plan"]["rate_per_s"].number() == 2000);
  CHECK(json["plan"]["arrivals"].text() == "poisson");
  CHECK(json["late_starts"].number() == 50);
}

TEST_CASE("the JSON report holds the figures, in microseconds") {
  const Outcome outcome = made_up::failing_outcome();
  const Json json = json_of(made_up::plan(), outcome);
  CHECK(json["kind"].text() == "run");
  CHECK(json["plan"]["target"].text() == "http://127.0.0.1:8080/base");
  REQUIRE(json["plan"]["works"].list().size() == 2);
  CHECK(json["plan"]["works"].list()[0]["scenario"].text() == "stream");
  CHECK(json["plan"]["works"].list()[0]["weight"].number() == 3);
  CHECK(json["plan"]["loop"].text() == "closed");
  CHECK_FALSE(json["plan"].has("rate_per_s"));
  CHECK_FALSE(json["plan"].has("tls_verify"));
  CHECK(json["elapsed_us"].number() == 1e7);
  CHECK(json["requests"].number() == 20'000);
  CHECK(json["requests_per_s"].number() == 2000);
  CHECK(json["failed"].number() == 1020);
  CHECK(json["failures"].members().size() == bench::load::failure_count);
  CHECK(json["failures"]["bad_status"].number() == 1003);
  CHECK(json["failures"]["timeout"].number(-1) == 0);
  CHECK(json["statuses"].members().size() == 2);
  CHECK(json["statuses"]["429"].number() == 1003);
  CHECK(json["warnings"].list().size() == 1);
  CHECK(json["tool_process"]["cpu_percent"].number() == doctest::Approx(90));
  CHECK(json["watched"]["cpu_us_per_event"].number() == doctest::Approx(5e6 / 1.5e6));
  CHECK(json["watched"]["cpu_us_per_mib"].number() == doctest::Approx(5e6 / 338));
  CHECK(json["watched"]["rss_bytes_per_stream"].number() == 196608);

  CHECK_FALSE(json["latency_us"].has("tls_handshake"));
  const Json total = json["latency_us"]["total"];
  const bench::Histogram& histogram = outcome.measures.total;
  CHECK(total["count"].number() == 20'000);
  CHECK(total["p99_9"].number() ==
        doctest::Approx(static_cast<double>(histogram.percentile(99.9)) / 1e3));
  CHECK(total["max"].number() == doctest::Approx(static_cast<double>(histogram.max()) / 1e3));
  CHECK(total["curve"].list().size() == bench::report::percentile_curve(histogram).size());
  CHECK(total["curve"].list().back().list()[0].number() == 100);

  REQUIRE(json["timeline"].list().size() == 10);
  CHECK(json["timeline"].list()[7]["at_us"].number() == 8e6);
  CHECK(json["timeline"].list()[7]["failures"].number() == 1020);
}

TEST_CASE("what a process used is shared out only over what was done") {
  Plan plan = made_up::plan();
  plan.works = {{bench::load::Scenario::chat, 1}};
  Outcome outcome;
  outcome.elapsed_ns = made_up::second_ns;
  outcome.open_streams_peak = 8;
  const bench::load::ProcessUse use{1'000'000, 1 << 19, 1 << 20, 1 << 20, 1, 10};
  bench::report::Shares shares = bench::report::shares_of(plan, outcome, use);
  CHECK_FALSE(shares.cpu_us_per_request);
  CHECK_FALSE(shares.cpu_us_per_event);
  CHECK_FALSE(shares.cpu_us_per_mib);
  CHECK_FALSE(shares.rss_bytes_per_stream);
  outcome.measures.requests = 10;
  plan.works = {{bench::load::Scenario::idle, 1}};
  shares = bench::report::shares_of(plan, outcome, use);
  CHECK(*shares.cpu_us_per_request == 100);
  CHECK(*shares.rss_bytes_per_stream == 65536);
  const bench::load::ProcessUse shrunk{1, 2 << 20, 1 << 20, 1 << 20, 1, 10};
  CHECK(*bench::report::shares_of(plan, outcome, shrunk).rss_bytes_per_stream == 0);
}
