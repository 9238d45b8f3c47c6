// The load tool's upstream where it is told to misbehave, stopped, or cannot start.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/files.h"
#include "support/serve_fixture.h"

using bench::serve::FaultKind;
using bench::serve::Options;
using std::chrono::milliseconds;
using test::chat;
using test::Message;
using test::RawClient;
using test::stream;
using test::Transport;
using Upstream = test::ServeUpstream;

namespace {

// How a request fared: its status and body, or how its connection ended.
std::string outcome(RawClient client, std::string_view request) {
  try {
    client.send(request);
    Message response = client.read_response_head();
    try {
      client.read_rest(response);
    } catch (const test::Truncated&) {
      return "truncated";
    } catch (const test::Reset&) {
      return "reset";
    }
    return std::to_string(response.status());
  } catch (const test::Truncated&) {
    return "no head";
  } catch (const test::Reset&) {
    return "reset";
  }
}

}  // namespace

TEST_CASE_PLAIN_AND_TLS("faults that are asked for") {
  Upstream upstream(transport);
  for (const std::string& request : {chat("?fault=429"), stream("?fault=429")}) {
    const Message response = upstream.round_trip(request);
    CHECK(response.status() == 429);
    CHECK(response.value("retry-after") == "1");
    CHECK(test::api_error(response).code == "rate_limit_exceeded");
  }
  CHECK(upstream.round_trip(chat("?fault=500")).status() == 500);

  CHECK(outcome(upstream.client(), chat("?fault=reset&fault_after=0")) == "reset");
  CHECK(outcome(upstream.client(), chat("?fault=reset&fault_after=600")) == "reset");
  CHECK(outcome(upstream.client(), stream("?fault=reset&fault_after=600")) == "reset");
  CHECK(outcome(upstream.client(),
                test::get("/bench/bytes/9000000?fault=reset&fault_after=7000000")) == "reset");
  CHECK(outcome(upstream.client(), chat("?fault=truncate")) == "truncated");
  CHECK(outcome(upstream.client(), stream("?fault=truncate")) == "truncated");
  CHECK(outcome(upstream.client(), test::get("/bench/bytes/9000000?fault=truncate")) ==
        "truncated");
  CHECK(outcome(upstream.client(), test::get("/v1/models?fault=truncate")) == "truncated");

  RawClient stalled = upstream.client();
  stalled.send(stream("?fault=stall&fault_after=1000"));
  CHECK(stalled.read_exactly(1000).starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(stalled.silent_for(milliseconds(50)));

  const bench::serve::Counts counts = upstream.stop();
  const auto faults = [&](FaultKind kind) {
    return counts.faults[static_cast<size_t>(kind)];
  };
  CHECK(faults(FaultKind::reset) == 4);
  CHECK(faults(FaultKind::stall) == 1);
  CHECK(faults(FaultKind::truncate) == 4);
  CHECK(faults(FaultKind::status_429) == 2);
  CHECK(faults(FaultKind::status_500) == 1);
}

TEST_CASE("faults by chance repeat with the seed") {
  const auto fates = [](uint64_t seed) {
    Options options;
    options.seed = seed;
    options.faults = {
        {FaultKind::reset, 0.3}, {FaultKind::truncate, 0.2}, {FaultKind::status_500, 0.2}};
    Upstream upstream(Transport::plain, options);
    std::vector<std::string> outcomes;
    for (int i = 0; i < 60; ++i)
      outcomes.push_back(outcome(upstream.client(), i % 2 == 0 ? chat() : stream("?tokens=5")));
    return outcomes;
  };
  const std::vector<std::string> first = fates(5);
  CHECK(first == fates(5));
  CHECK(first != fates(6));
  for (const std::string_view kind : {"200", "500", "reset", "truncated"}) {
    CAPTURE(kind);
    CHECK(std::count(first.begin(), first.end(), kind) >= 5);
  }
}

TEST_CASE_PLAIN_AND_TLS("stopping cuts whatever goes on, at once") {
  Options options;
  options.threads = 2;
  options.gap_us = 60'000'000;
  Upstream upstream(transport, options);
  std::vector<RawClient> clients;
  for (const std::string& request : {std::string(),
                                     std::string("GET /bench"),
                                     stream(),
                                     chat("?think_us=60000000"),
                                     chat("?fault=stall"),
                                     test::get("/bench/bytes/1000000000")}) {
    clients.push_back(upstream.client());
    clients.back().send(request);
  }
  test::eventually("all are under way",
                   [&] { return upstream.counts()["requests"].number() >= 4; });
  const auto begin = std::chrono::steady_clock::now();
  static_cast<void>(upstream.stop());
  // Half of what the gap and the time to think would have taken.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
  for (RawClient& client : clients)
    client.wait_gone();
}

TEST_CASE("what cannot be served is refused with what to do") {
  const auto error = [](const Options& options) {
    const std::atomic<bool> stop{true};
    const auto served = bench::serve::serve(
        options, [](uint16_t) {}, stop);
    REQUIRE_FALSE(served);
    return served.error();
  };
  Options options;
  for (const std::string_view listen :
       {"", "9100", "localhost:1", "127.0.0.1:", "127.0.0.1:65536"}) {
    CAPTURE(listen);
    options.listen = listen;
    CHECK(error(options).find("give ADDRESS:PORT") != std::string::npos);
  }
  const test::ListeningSocket taken;
  options.listen = "127.0.0.1:" + std::to_string(taken.port());
  CHECK(error(options).find(std::to_string(taken.port())) != std::string::npos);
  options = {};
  options.certificate_file = "/nowhere/certificate.pem";
  CHECK(error(options).find("give both files") != std::string::npos);
  options.key_file = "/nowhere/key.pem";
  CHECK(error(options).find("/nowhere/certificate.pem cannot be read") != std::string::npos);
  const test::TemporaryFile nonsense("nonsense");
  options.certificate_file = options.key_file = nonsense.path();
  options.listen = "127.0.0.1:0";
  CHECK(error(options).find("the certificate holds no certificate") != std::string::npos);
  options = {};
  options.faults = {{FaultKind::stall, 2}};
  CHECK(error(options).find("from 0 to 1") != std::string::npos);
  options = {};
  options.tokens = 1'000'000'000;
  CHECK(error(options).find("tokens is") != std::string::npos);
}
