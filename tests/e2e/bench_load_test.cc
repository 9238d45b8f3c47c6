// The load engine against upstreams of which it is known what must be measured.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "bench/base/fine_timers.h"
#include "bench/load/ask.h"
#include "bench/load/load.h"
#include "support/files.h"
#include "support/serve_fixture.h"

using bench::load::Arrivals;
using bench::load::Failure;
using bench::load::Measures;
using bench::load::Outcome;
using bench::load::Plan;
using bench::load::Scenario;
using bench::serve::FaultKind;
using bench::serve::Options;
using test::Message;
using test::RawUpstream;
using test::Transport;
using test::UpstreamConnection;
using Upstream = test::ServeUpstream;

namespace {

constexpr uint64_t ms = 1'000'000;
constexpr std::string_view done = "data: [DONE]\n\n";

// A plan of `requests` requests, which ends by itself.
Plan plan_for(const std::string& url, Scenario scenario, uint64_t requests) {
  Plan plan;
  plan.target = base::parse_url(url).value();
  plan.works = {{scenario, 1}};
  plan.connections = 4;
  plan.requests_max = requests;
  plan.duration_ns = 30'000 * ms;
  plan.request_timeout_ns = 10'000 * ms;
  plan.ca_file = test::trusted_file();
  return plan;
}

Outcome run(const Plan& plan) {
  const std::atomic<bool> stop{false};
  auto outcome = bench::load::run_load(plan, nullptr, stop);
  if (!outcome) FAIL(outcome.error());
  return std::move(*outcome);
}

// So many failures of that kind, none of any other.
void check_failures(const Measures& measures, Failure failure, uint64_t count) {
  CHECK_MESSAGE(measures.failures[static_cast<size_t>(failure)] == count,
                bench::load::failure_name(failure));
  CHECK(measures.failed() == count);
}

// What a script answers to each of `requests` of its connection.
RawUpstream::Script answering(const std::string& answer, unsigned requests = 1000) {
  return [answer, requests](UpstreamConnection& connection) {
    for (unsigned i = 0; i < requests && connection.read_request(); ++i)
      connection.send(answer);
  };
}

std::string event_stream(std::string_view events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
         "chunked\r\n\r\n" +
         test::chunk(events) + std::string(test::last_chunk);
}

Options with_fault(FaultKind fault, double rate) {
  Options options;
  options.faults = {{fault, rate}};
  return options;
}

uint64_t sum_of_requests(const Outcome& outcome) {
  uint64_t sum = 0;
  for (const bench::load::Sample& sample : outcome.timeline)
    sum += sample.requests;
  return sum;
}

}  // namespace

TEST_CASE_PLAIN_AND_TLS("counts are exact and those of the upstream") {
  Upstream upstream(transport);
  for (const uint32_t threads : {1U, 2U}) {
    CAPTURE(threads);
    Plan plan = plan_for(upstream.url(), Scenario::chat, 200);
    plan.threads = threads;
    plan.works = {{Scenario::chat, 3}, {Scenario::stream, 1}};
    plan.tokens = 10;
    const Outcome outcome = run(plan);
    const Measures& measures = outcome.measures;
    CHECK(measures.requests == 200);
    CHECK(measures.failed() == 0);
    CHECK(measures.statuses.at(200) == 200);
    // 10 tokens, the usage and [DONE].
    CHECK(measures.events % 12 == 0);
    CHECK(measures.events / 12 >= 48);
    CHECK(measures.events / 12 <= 52);
    CHECK(measures.first_token.count() == measures.events / 12);
    CHECK(measures.token_gap.count() == measures.events / 12 * 11);
    CHECK(measures.total.count() == 200);
    CHECK(measures.first_byte.count() == 200);
    CHECK(measures.connections == 4);
    CHECK(measures.connect.count() == 4);
    CHECK(measures.tls_handshake.count() == (transport == Transport::tls ? 4 : 0));
    CHECK(outcome.open_streams_peak <= 4);
    CHECK(outcome.elapsed_ns >= measures.total.max());
    CHECK(sum_of_requests(outcome) == 200);
    CHECK_FALSE(outcome.interrupted);
  }
  const bench::serve::Counts counts = upstream.stop();
  CHECK(counts.requests == 400);
  CHECK(counts.connections == 8);
}

TEST_CASE_PLAIN_AND_TLS("bodies up and down are counted byte for byte") {
  Upstream upstream(transport);
  Plan plan = plan_for(upstream.url(), Scenario::upload, 6);
  plan.upload_bytes = 3'000'001;
  const Measures up = run(plan).measures;
  CHECK(up.requests == 6);
  plan.upload_multipart = false;
  const Measures raw = run(plan).measures;
  CHECK(raw.requests == 6);
  CHECK(raw.bytes_out == 6 * plan.upload_bytes);
  CHECK(up.bytes_out > raw.bytes_out);

  plan = plan_for(upstream.url(), Scenario::download, 6);
  plan.download_bytes = 5'000'003;
  CHECK(run(plan).measures.bytes_in == 6 * plan.download_bytes);
  CHECK(upstream.stop().bytes_in == up.bytes_out + raw.bytes_out);
}

TEST_CASE_PLAIN_AND_TLS("connect: a connection for each request") {
  Upstream upstream(transport);
  Plan plan = plan_for(upstream.url(), Scenario::connect, 30);
  const Measures measures = run(plan).measures;
  CHECK(measures.requests == 30);
  CHECK(measures.connections == 30);
  CHECK(measures.connect.count() == 30);
  if (transport == Transport::tls) {
    CHECK(measures.tls_resumed > 20);
    // Connecting is a part of it.
    CHECK(measures.total.min() >= measures.tls_handshake.min());
    plan.tls_resume = false;
    CHECK(run(plan).measures.tls_resumed == 0);
  }
  CHECK(upstream.stop().connections == (transport == Transport::tls ? 60 : 30));
}

TEST_CASE("a time to think is in the latencies") {
  Options options;
  options.think_us = 50'000;
  Upstream upstream(Transport::plain, options);
  const Measures measures = run(plan_for(upstream.url(), Scenario::chat, 20)).measures;
  CHECK(measures.total.min() >= 50 * ms);
  CHECK(measures.total.percentile(50) >= 50 * ms);
}

// A busy machine makes one gap longer and the next ones as much shorter: no more is certain than
// that there are some, and that the whole takes its time. What counts as which is recorder_test's.
TEST_CASE("gaps between tokens, and stalls") {
  Upstream upstream(Transport::plain);
  Plan plan = plan_for(upstream.url(), Scenario::stream, 4);
  plan.tokens = 6;
  plan.gap_us = 100'000;
  plan.stall_ns = 50 * ms;
  const Measures measures = run(plan).measures;
  CHECK(measures.token_gap.count() >= 4 * 5);
  CHECK(measures.token_gap.max() >= 50 * ms);
  CHECK(measures.stalls > 0);
  CHECK(measures.stalls <= 4 * 5);
  CHECK(measures.total.min() >= 5 * 100 * ms);
  CHECK(measures.first_token.count() == 4);
}

// What coordinated omission would hide: one answer of 600 ms among quick ones, at 100 a second over
// one connection, makes sixty others late, the first by all of it and the last by nothing. Whatever
// else a busy machine adds, it makes them no earlier; and nothing took longer than the run.
TEST_CASE("requests that were due while the upstream stalled are timed from when they were due") {
  std::atomic<unsigned> requests{0};
  const RawUpstream upstream([&requests](UpstreamConnection& connection) {
    while (connection.read_request()) {
      if (requests++ == 20) std::this_thread::sleep_for(std::chrono::milliseconds(600));
      connection.send(test::message("200 OK", {}, "{}"));
    }
  });
  Plan plan = plan_for(upstream.url(), Scenario::chat, 100);
  plan.connections = 1;
  plan.rate = 100;
  const uint64_t begin_ns = bench::FineTimers::now_ns();
  const Outcome outcome = run(plan);
  const uint64_t took_ns = bench::FineTimers::now_ns() - begin_ns;
  const Measures& measures = outcome.measures;
  CHECK(measures.requests == 100);
  CHECK(measures.total.max() >= 590 * ms);
  // Due 10 ms apart, answered at once after the stall.
  CHECK(measures.total.count_above(500 * ms) >= 10);
  CHECK(measures.total.count_above(300 * ms) >= 29);
  CHECK(measures.total.count_above(100 * ms) >= 48);
  for (const uint64_t over : {100 * ms, 300 * ms, 500 * ms})
    CHECK(measures.total.count_above(over) <= (took_ns - over) / (10 * ms) + 1);
  CHECK(measures.late_starts >= 55);
  CHECK(outcome.elapsed_ns >= 990 * ms);
}

TEST_CASE("an open loop offers its rate, evenly or by chance") {
  Upstream upstream(Transport::plain);
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson}) {
    Plan plan = plan_for(upstream.url(), Scenario::chat, 0);
    plan.rate = 1000;
    plan.arrivals = arrivals;
    plan.connections = 16;
    plan.threads = 2;
    plan.duration_ns = 400 * ms;
    plan.warmup_ns = 100 * ms;
    const Outcome outcome = run(plan);
    const auto count = static_cast<double>(outcome.measures.requests);
    CHECK(count == doctest::Approx(400).epsilon(arrivals == Arrivals::constant ? 0.005 : 0.2));
    CHECK(outcome.elapsed_ns >= 390 * ms);
    CHECK(sum_of_requests(outcome) > outcome.measures.requests);
  }
}

TEST_CASE("what the upstream does wrong is told apart") {
  const struct {
    Failure failure;
    std::string answer;
    bool is_stream;
  } cases[] = {
      {Failure::bad_status, test::message("500 Internal Server Error", {}, "{}"), false},
      {Failure::bad_status, test::message("302 Found", {}, ""), false},
      {Failure::truncated, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false},
      {Failure::truncated, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", false},
      {Failure::truncated, "HTTP/1.1 200", false},
      {Failure::truncated, "", false},
      {Failure::bad_http, "220 ESMTP ready\r\n\r\n", false},
      {Failure::bad_http, test::message("200 OK", {}, "{}") + "more", false},
      {Failure::bad_sse, event_stream("data: {}\n\n"), true},
      {Failure::bad_sse, event_stream("data: {}\n\n<html>\n\n" + std::string(done)), true},
      {Failure::bad_sse, event_stream("data: {}\n\ndata: [DONE]\n"), true},
      {Failure::bad_sse, test::message("200 OK", {}, done), true},
  };
  for (const auto& one : cases) {
    CAPTURE(one.answer);
    // After half an answer the connection ends; after a whole one it goes on.
    const unsigned answers = one.failure == Failure::truncated ? 1 : 1000;
    const RawUpstream upstream(answering(one.answer, answers));
    Plan plan = plan_for(upstream.url(), one.is_stream ? Scenario::stream : Scenario::chat, 3);
    plan.connections = 1;
    const Measures measures = run(plan).measures;
    CHECK(measures.requests == 0);
    check_failures(measures, one.failure, 3);
  }
}

TEST_CASE_PLAIN_AND_TLS("faults of the upstream are counted as what they are") {
  const struct {
    FaultKind fault;
    Failure failure;
  } cases[] = {{FaultKind::reset, Failure::reset},
               {FaultKind::truncate, Failure::truncated},
               {FaultKind::status_429, Failure::bad_status},
               {FaultKind::status_500, Failure::bad_status}};
  for (const auto& one : cases) {
    CAPTURE(bench::serve::fault_name(one.fault));
    Upstream upstream(transport, with_fault(one.fault, 0.3));
    const Measures measures = run(plan_for(upstream.url(), Scenario::chat, 60)).measures;
    const auto faults = upstream.stop().faults[static_cast<size_t>(one.fault)];
    CHECK(faults > 0);
    CHECK(measures.requests == 60 - faults);
    check_failures(measures, one.failure, faults);
  }
}

TEST_CASE("silence for too long") {
  Upstream upstream(Transport::plain, with_fault(FaultKind::stall, 1));
  Plan plan = plan_for(upstream.url(), Scenario::chat, 4);
  plan.request_timeout_ns = 200 * ms;
  check_failures(run(plan).measures, Failure::timeout, 4);
  // Answers that are not waited for because the run is over are failures only of silence.
  plan.requests_max = 0;
  plan.duration_ns = 300 * ms;
  plan.request_timeout_ns = 500 * ms;
  check_failures(run(plan).measures, Failure::timeout, 4);
}

TEST_CASE("a target that goes away: failures, and no haste") {
  RawUpstream upstream(answering(test::message("200 OK", {{"Connection", "close"}}, "{}"), 1));
  Plan plan = plan_for(upstream.url(), Scenario::chat, 0);
  plan.connections = 2;
  std::thread stopper([&upstream] {
    test::eventually("it was asked", [&upstream] { return upstream.requests() > 2; });
    upstream.stop_listening();
  });
  std::atomic<bool> stop{false};
  const auto outcome = bench::load::run_load(
      plan,
      [&stop](const bench::load::Progress& progress) { stop = progress.last_second.failures > 1; },
      stop);
  stopper.join();
  REQUIRE(outcome);
  CHECK(outcome->measures.requests > 0);
  const uint64_t refused = outcome->measures.failures[static_cast<size_t>(Failure::connect)];
  CHECK(refused >= 2);
  // Each connection pauses for 100 ms.
  CHECK(refused <= 2 * (outcome->elapsed_ns / (100 * ms) + 1));
}

TEST_CASE("a target that is not there, or not whom we trust, is said at once") {
  const std::atomic<bool> stop{false};
  uint16_t port = 0;
  {
    const test::ListeningSocket listening;
    port = listening.port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  const auto refused = bench::load::run_load(plan_for(url, Scenario::chat, 1), nullptr, stop);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().find("connection refused") != std::string::npos);

  Upstream upstream(Transport::tls);
  Plan plan = plan_for(upstream.url(), Scenario::chat, 1);
  const test::Authority other("Another Root");
  const test::TemporaryFile other_file(other.certificate_pem());
  plan.ca_file = other_file.path();
  CHECK_FALSE(bench::load::run_load(plan, nullptr, stop));
  plan.tls_verify = false;
  CHECK(run(plan).measures.requests == 1);
  plan.ca_file = "/nonexistent/ca.pem";
  plan.tls_verify = true;
  CHECK_FALSE(bench::load::run_load(plan, nullptr, stop));
  plan = plan_for("http://no-such-host.invalid", Scenario::chat, 1);
  CHECK_FALSE(bench::load::run_load(plan, nullptr, stop));
  plan = plan_for(upstream.url(), Scenario::chat, 1);
  plan.watched_pid = 0x3ffffffe;
  CHECK_FALSE(bench::load::run_load(plan, nullptr, stop));
}

TEST_CASE("a run is stopped, and reports what it saw") {
  Upstream upstream(Transport::plain);
  Plan plan = plan_for(upstream.url(), Scenario::chat, 0);
  plan.duration_ns = 20'000 * ms;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> told{0};
  bench::load::Progress last;
  std::thread stopper([&stop, &told] {
    test::eventually("progress", [&told] { return told > 0; });
    stop = true;
  });
  const auto outcome = bench::load::run_load(
      plan,
      [&](const bench::load::Progress& progress) {
        last = progress;
        ++told;
      },
      stop);
  stopper.join();
  REQUIRE(outcome);
  CHECK(outcome->interrupted);
  CHECK(outcome->measures.requests > 0);
  CHECK(outcome->measures.failed() == 0);
  CHECK(outcome->elapsed_ns >= 900 * ms);
  CHECK(outcome->timeline.size() >= 2);
  CHECK(last.requests > 0);
  CHECK(last.last_second.requests > 0);
}

TEST_CASE("idle streams: all open at once, none counted as failed, memory seen") {
  Upstream upstream(Transport::plain);
  Plan plan = plan_for(upstream.url(), Scenario::idle, 0);
  plan.connections = 100;
  plan.gap_us = 50'000;
  plan.watched_pid = getpid();
  std::atomic<bool> stop{false};
  const auto ran = bench::load::run_load(
      plan,
      [&stop](const bench::load::Progress& progress) {
        stop = progress.open_requests == 100 && progress.last_second.events >= 100 * 3;
      },
      stop);
  REQUIRE(ran);
  const Outcome& outcome = *ran;
  CHECK(outcome.open_streams_peak == 100);
  CHECK(outcome.measures.requests == 0);
  CHECK(outcome.measures.failed() == 0);
  CHECK(outcome.measures.events >= 100 * 3);
  REQUIRE(outcome.watched);
  CHECK(outcome.watched->open_fds >= 200);
  CHECK(outcome.watched->rss_bytes > 0);
  CHECK(outcome.watched->cpu_ns > 0);
  CHECK(outcome.watched->cpu_ns <= outcome.elapsed_ns * 4);
}

TEST_CASE("a ramp lets connections grow") {
  Upstream upstream(Transport::plain);
  Plan plan = plan_for(upstream.url(), Scenario::idle, 0);
  plan.connections = 20;
  plan.gap_us = 10'000;
  plan.ramp_ns = 1000 * ms;
  plan.duration_ns = 500 * ms;
  const Measures measures = run(plan).measures;
  // One each 50 ms; a busy machine makes them fewer.
  CHECK(measures.connections >= 2);
  CHECK(measures.connections <= 11);
}

TEST_CASE("replay takes any answer") {
  const RawUpstream upstream(answering(event_stream("data: 1\n\n")));
  Plan plan = plan_for(upstream.url() + "/v1/custom", Scenario::replay, 2);
  plan.connections = 1;
  plan.replay_body = "{\"x\": 1}";
  const Measures measures = run(plan).measures;
  CHECK(measures.requests == 2);
  CHECK(measures.events == 2);
}

TEST_CASE_PLAIN_AND_TLS("ask prints the words as they come") {
  Upstream upstream(transport);
  Plan plan = plan_for(upstream.url(), Scenario::stream, 0);
  plan.tokens = 12;
  std::string text;
  unsigned pieces = 0;
  const std::atomic<bool> stop{false};
  const auto answer = bench::load::ask(
      plan,
      [&](std::string_view piece) {
        text += piece;
        ++pieces;
      },
      stop);
  if (!answer) FAIL(answer.error());
  CHECK(answer->events == 14);
  CHECK(pieces == 12);
  CHECK(text.size() > 12);
  CHECK(text.find('{') == std::string::npos);
  CHECK(answer->first_token_ns > 0);
  CHECK(answer->first_token_ns <= answer->total_ns);

  plan.path = "/v1/chat/completions?fault=500";
  const auto refused = bench::load::ask(
      plan, [](std::string_view) {}, stop);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().find("500") != std::string::npos);
}
