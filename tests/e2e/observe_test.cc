// What an operator sees: access log, health, metrics. And what nobody may see: secrets.
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

// The log once it has `count` lines.
std::vector<std::string> wait_for_lines(const std::string& path, size_t count) {
  test::eventually(std::to_string(count) + " log lines",
                   [&] { return lines_of(path).size() >= count; });
  return lines_of(path);
}

std::string logging_to(const std::string& path, const std::string& format = "json") {
  return "log: { level: error, access: '" + path + "', format: " + format + " }\n";
}

bool has(const std::string& line, const std::string& part) {
  return line.find(part) != std::string::npos;
}

Message admin(const Proxy& proxy, const std::string& target) {
  const auto address = const_cast<Proxy&>(proxy).server().admin_listening();
  REQUIRE(address.has_value());
  RawClient client(test::plain_wire(test::connect_tcp("127.0.0.1", address->port)));
  return client.round_trip(test::get(target));
}

// The value of a metric's first sample that begins so.
double sample(const std::string& text, const std::string& begin) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(begin)) return std::stod(line.substr(line.rfind(' ') + 1));
  }
  FAIL("no metric " << begin << " in\n" << text);
  return 0;
}

constexpr std::string_view with_admin = "admin: { listen: '127.0.0.1:0' }\n";

}  // namespace

TEST_CASE_TRANSPORTS("one line a request, with what happened") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(ok));
  const Proxy proxy(upstream, logging_to(log));
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::post("/v1/chat?x=1", "four")).body == "ok");
  CHECK(client.round_trip(test::get("/second")).body == "ok");
  const auto lines = wait_for_lines(log, 2);
  CHECK(lines.size() == 2);
  for (const char* part : {"\"method\":\"POST\"",
                           "\"path\":\"/v1/chat\"",
                           "\"status\":200",
                           "\"bytes_up\":4",
                           "\"bytes_down\":2",
                           "\"upstream\":\"openai\"",
                           "\"reused\":false",
                           "\"outcome\":\"complete\"",
                           "\"client\":\"127.0.0.1\"",
                           "\"total_ms\":",
                           "\"first_byte_ms\":",
                           "\"time\":\"2"}) {
    CAPTURE(part);
    CHECK(has(lines[0], part));
  }
  CHECK(has(lines[1], "\"reused\":true"));
  CHECK((lines[0].front() == '{' && lines[0].back() == '}'));
}

TEST_CASE("the outcome of each kind of end") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  test::Signal request_seen;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    if (request->target() == "/leave") {
      request_seen.set();
      connection.wait_gone();
    } else if (request->target() == "/break") {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
    }
  });
  const Proxy proxy(upstream, logging_to(log));
  CHECK(proxy.round_trip(test::get("/close")).status() == 502);
  CHECK(has(wait_for_lines(log, 1)[0], "\"outcome\":\"upstream_failed\""));
  CHECK_THROWS_AS(static_cast<void>(proxy.round_trip(test::get("/break"))), test::Failure);
  CHECK(has(wait_for_lines(log, 2)[1], "\"outcome\":\"upstream_failed\""));
  {
    RawClient client = proxy.client();
    client.send(test::get("/leave"));
    request_seen.wait();
    client.close();
  }
  CHECK(has(wait_for_lines(log, 3)[2], "\"outcome\":\"client_left\""));
  CHECK(proxy.round_trip("nonsense\r\n\r\n").status() == 400);
  const std::string refused = wait_for_lines(log, 4)[3];
  CHECK(has(refused, "\"outcome\":\"local\""));
  CHECK(has(refused, "\"status\":400"));
  // A connection without a request is no request.
  proxy.client().close();
  CHECK(proxy.round_trip("GET / HTTP/1.1\r\n\r\n").status() == 400);
  CHECK(wait_for_lines(log, 5).size() == 5);
}

TEST_CASE("no secret is in the log, and nothing in it can be forged") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  for (const std::string format : {"json", "text"}) {
    RawUpstream upstream(test::serve(ok));
    const Proxy proxy(upstream, logging_to(log + format, format));
    CHECK(
        proxy
            .round_trip(test::post("/v1/x?api-key=SECRETQUERY",
                                   "SECRETBODY",
                                   {{"Authorization", "Bearer SECRETKEY"},
                                    {"api-key", "SECRETAZURE"},
                                    {"Cookie", "SECRETCOOKIE"},
                                    {"Sec-WebSocket-Protocol", "openai-insecure-api-key.SECRET"}}))
            .status() == 200);
    CHECK(proxy
              .round_trip(test::get("/a\"b\\c\xff"
                                    "d=\"x"))
              .status() == 200);
    const auto lines = wait_for_lines(log + format, 2);
    CHECK(lines.size() == 2);
    for (const std::string& line : lines)
      CHECK_FALSE(has(line, "SECRET"));
    CHECK(has(lines[1], R"(/a\"b\\c)"));
    CHECK(has(lines[1], R"(d=\"x)"));
  }
}

TEST_CASE("the log's file can be moved away and reopened") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(upstream, logging_to(log));
  CHECK(proxy.round_trip(test::get("/1")).status() == 200);
  CHECK(wait_for_lines(log, 1).size() == 1);
  REQUIRE(std::rename(log.c_str(), (log + ".1").c_str()) == 0);
  CHECK(proxy.round_trip(test::get("/2")).status() == 200);
  CHECK(wait_for_lines(log + ".1", 2).size() == 2);
  proxy.server().reopen_logs();
  CHECK(proxy.round_trip(test::get("/3")).status() == 200);
  CHECK(has(wait_for_lines(log, 1)[0], "/3"));
  CHECK(lines_of(log + ".1").size() == 2);
}

TEST_CASE("the access log is whole when the proxy has ended") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  RawUpstream upstream(test::serve(ok));
  constexpr size_t requests = 200;
  {
    const Proxy proxy(upstream, logging_to(log));
    RawClient client = proxy.client();
    for (size_t i = 0; i < requests; ++i)
      CHECK(client.round_trip(test::get("/")).status() == 200);
  }
  CHECK(lines_of(log).size() == requests);
}

TEST_CASE("health answers when no further client is accepted") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, std::string(with_admin) + "limits: { connections_max: 1 }\n");
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).status() == 200);
  CHECK(admin(proxy, "/healthz").status() == 200);
  CHECK(client.round_trip(test::get("/")).status() == 200);
}

TEST_CASE("a proxy whose admin address is taken serves without it") {
  RawUpstream upstream(test::serve(ok));
  const Proxy first(upstream, with_admin);
  const auto taken = const_cast<Proxy&>(first).server().admin_listening();
  REQUIRE(taken);
  const Proxy second(upstream, "admin: { listen: '" + taken->text() + "' }\n");
  CHECK(!const_cast<Proxy&>(second).server().admin_listening());
  CHECK(second.round_trip(test::get("/")).status() == 200);
  CHECK(admin(first, "/healthz").status() == 200);
}

TEST_CASE("health and metrics, on their own address only") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_admin);
  CHECK(admin(proxy, "/healthz").status() == 200);
  CHECK(admin(proxy, "/nothing").status() == 404);
  for (int i = 0; i < 3; ++i)
    CHECK(proxy.round_trip(test::get("/metrics")).body == "ok");
  const Message metrics = admin(proxy, "/metrics");
  CHECK(metrics.value("content-type").starts_with("text/plain; version=0.0.4"));
  CAPTURE(metrics.body);
  CHECK(sample(metrics.body, "openai_proxy_exchanges_total{outcome=\"complete\"}") == 3);
  CHECK(sample(metrics.body, "openai_proxy_upstream_connections_total") == 1);
  CHECK(sample(metrics.body, "openai_proxy_upstream_reused_total") == 2);
}

TEST_CASE("metrics are summed over the workers") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, std::string(with_admin) + "workers: 3\n");
  for (int i = 0; i < 30; ++i)
    CHECK(proxy.round_trip(test::get("/")).status() == 200);
  test::eventually("thirty counted", [&] {
    const std::string text = admin(proxy, "/metrics").body;
    return sample(text, "openai_proxy_exchanges_total{outcome=\"complete\"}") == 30;
  });
}
