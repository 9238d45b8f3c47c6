#pragma once

// Made-up runs for the tests of reports: no load was ever put on anything.

#include <cstdint>
#include <random>

#include "bench/load/measures.h"
#include "bench/load/plan.h"

namespace made_up {

constexpr uint64_t second_ns = 1'000'000'000;

// Streams and chats through a plain target; the plan holds secrets that no report may show.
inline bench::load::Plan plan() {
  bench::load::Plan plan;
  plan.target = *base::parse_url("http://127.0.0.1:8080/base?token=query-secret");
  plan.works = {{bench::load::Scenario::stream, 3}, {bench::load::Scenario::chat, 1}};
  plan.connections = 64;
  plan.threads = 2;
  plan.warmup_ns = second_ns;
  plan.key = "sk-key-secret";
  plan.fields = {{"x-secret", "field-secret"}};
  plan.replay_body = "body-secret";
  plan.command_line = "openai-proxy-bench mixed http://127.0.0.1:8080/base";
  plan.watched_pid = 42;
  return plan;
}

// Ten seconds, 20,000 requests of which none failed. Latencies come from `seed`.
inline bench::load::Outcome outcome(unsigned seed = 1) {
  std::mt19937_64 random(seed);
  const auto about = [&](uint64_t ns) {
    return ns / 2 + random() % ns;
  };
  bench::load::Outcome outcome;
  bench::load::Measures& measures = outcome.measures;
  measures.requests = 20'000;
  for (uint64_t i = 0; i < measures.requests; ++i) {
    measures.first_byte.record(about(300'000));
    measures.first_token.record(about(400'000));
    measures.token_gap.record(about(20'000));
    measures.total.record(about(2'500'000));
  }
  measures.connections = 64;
  measures.connect.record(80'000, 64);
  measures.events = 1'500'000;
  measures.bytes_in = uint64_t{330} << 20;
  measures.bytes_out = uint64_t{8} << 20;
  measures.statuses.resize(600);
  measures.statuses[200] = measures.requests;
  for (uint64_t i = 1; i <= 10; ++i) {
    outcome.timeline.push_back(
        {i * second_ns, 1900 + random() % 200, 150'000, 35 << 20, 0, about(4'000'000)});
  }
  outcome.elapsed_ns = 10 * second_ns;
  outcome.self = {9 * second_ns, 8 << 20, 30 << 20, 33 << 20, 3, 140};
  outcome.watched = bench::load::ProcessUse{5 * second_ns, 4 << 20, 12 << 20, 16 << 20, 2, 133};
  outcome.open_streams_peak = 64;
  outcome.machine = {"2026-11-28T14:10:21Z", "made-up-host", "Some CPU", "Linux 6.1 x86_64", 2};
  return outcome;
}

// The same with what can go wrong.
inline bench::load::Outcome failing_outcome() {
  bench::load::Outcome failing = outcome();
  bench::load::Measures& measures = failing.measures;
  measures.failures[static_cast<size_t>(bench::load::Failure::reset)] = 17;
  measures.failures[static_cast<size_t>(bench::load::Failure::bad_status)] = 1003;
  measures.statuses[429] = 1003;
  measures.stalls = 2;
  measures.late_starts = 5;
  failing.timeline[7].failures = 1020;
  return failing;
}

}  // namespace made_up
