// memory_limit: near it new work is refused and what runs goes on; beyond it who holds most goes.
// The tests' own memory is the process's too: a ballast brings it to where it is wanted.
#include <memory>
#include <sstream>

#include <doctest/doctest.h>

#include "base/memory_limit.h"
#include "support/ballast.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

constexpr uint64_t mebi = 1 << 20;
constexpr uint64_t room = 600 * mebi;  // so much that what the tests do is less than 5% of it
const std::string ok = test::message("200 OK", {}, "ok");
const std::string stream_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

uint64_t used_now() {
  base::MemoryLimit memory;
  memory.set(0);
  return memory.used_bytes();
}

// What is missing to that part of `limit`.
uint64_t missing_to(uint64_t limit, uint64_t percent) {
  return limit / 100 * percent - used_now();
}

std::string limited(uint64_t limit) {
  return "admin: { listen: '127.0.0.1:0' }\nmemory_limit: " + std::to_string(limit) + "\n";
}

Message admin(Proxy& proxy, const std::string& target) {
  const auto address = proxy.server().admin_listening();
  REQUIRE(address.has_value());
  RawClient client(test::plain_wire(test::connect_tcp("127.0.0.1", address->port)));
  return client.round_trip(test::get(target));
}

double metric(Proxy& proxy, const std::string& name) {
  std::istringstream lines(admin(proxy, "/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("openai_proxy_" + name + " ")) {
      return std::stod(line.substr(line.rfind(' ') + 1));
    }
  }
  FAIL("no metric " << name);
  return 0;
}

void check_refused(const Message& response) {
  CHECK(response.status() == 503);
  CHECK(response.value("retry-after") == "1");
  CHECK(response.value("access-control-allow-origin") == "*");
  const test::ApiError error = test::api_error(response);
  CHECK(error.code == "proxy_memory_full");
  CHECK(error.type == "server_error");
}

}  // namespace

TEST_CASE_TRANSPORTS("near the limit new requests get 503, a running stream goes on") {
  test::Queue<std::string> chunks;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         while (auto request = connection.read_request()) {
                           if (request->target() != "/stream") {
                             connection.send(ok);
                             continue;
                           }
                           connection.send(stream_head);
                           for (std::string text = chunks.pop(); !text.empty(); text = chunks.pop())
                             connection.send(test::chunk(text));
                           connection.send(test::last_chunk);
                         }
                       });
  const uint64_t limit = used_now() + room;
  Proxy proxy(upstream, limited(limit));
  RawClient stream = proxy.client();
  stream.send(test::get("/stream"));
  Message response = stream.read_response_head();
  chunks.push("before");
  CHECK(stream.read_body_until(response, "before") == "before");
  RawClient kept = proxy.client();
  CHECK(kept.round_trip(test::get("/")).body == "ok");
  RawClient half = proxy.client();
  half.send("GET / HTTP/1.1\r\nHost: p\r\n");
  {
    const test::Ballast ballast(missing_to(limit, 95));
    check_refused(kept.round_trip(test::get("/")));
    check_refused(kept.round_trip(test::post("/", "a body")));  // the connection lives on
    check_refused(proxy.round_trip(test::get("/")));            // as do new ones
    half.send("X: more\r\n");
    check_refused(half.read_response());  // no head grows now
    CHECK(half.read_to_end().empty());
    const std::string large = test::pattern(1 << 20);
    chunks.push(large);
    chunks.push("during");
    CHECK(stream.read_body_until(response, "during") == large + "during");
    CHECK(admin(proxy, "/healthz").status() == 200);
    CHECK(metric(proxy, "memory_refused_total") == 4);
    CHECK(metric(proxy, "memory_cut_total") == 0);
    CHECK(metric(proxy, "memory_limit_bytes") == static_cast<double>(limit));
    CHECK(metric(proxy, "memory_bytes") > static_cast<double>(limit) * 0.9);
  }
  CHECK(kept.round_trip(test::get("/")).body == "ok");
  chunks.push("");
  stream.read_rest(response);
  CHECK(response.body.empty());
}

TEST_CASE("near the limit a slow reader loses nothing") {
  constexpr size_t body_bytes = 8 << 20;
  const std::string body = test::pattern(body_bytes);
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(test::message("200 OK", {}, body));
    connection.wait_gone();
  });
  const uint64_t limit = used_now() + room;
  Proxy proxy(upstream, limited(limit));
  RawClient slow = proxy.client({.receive_buffer = 16 * 1024});
  slow.send(test::get("/"));
  Message response = slow.read_response_head();
  {
    const test::Ballast ballast(missing_to(limit, 95));
    std::string seen;
    while (seen.size() < body_bytes / 2)
      seen += slow.read_body_some(response);
    CHECK(body.starts_with(seen));
    CHECK(metric(proxy, "memory_cut_total") == 0);
    response.body = seen;
  }
  slow.read_rest(response);
  CHECK(response.body == body);
}

TEST_CASE_TRANSPORTS("beyond the limit the client that holds most is cut, others go on") {
  test::Queue<std::string> chunks;
  test::Signal hog_cut;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         const auto request = connection.read_request();
                         if (!request) return;
                         connection.send(stream_head);
                         if (request->target() == "/hog") {
                           const std::string piece = test::chunk(test::pattern(1 << 20));
                           try {
                             for (;;)
                               connection.send(piece);
                           } catch (const test::Failure&) {
                             hog_cut.set();  // the proxy went away
                           }
                           return;
                         }
                         for (std::string text = chunks.pop(); !text.empty(); text = chunks.pop())
                           connection.send(test::chunk(text));
                         connection.send(test::last_chunk);
                         connection.wait_gone();
                       });
  const uint64_t limit = used_now() + room;
  Proxy proxy(upstream, limited(limit));
  RawClient good = proxy.client();
  good.send(test::get("/good"));
  Message response = good.read_response_head();
  RawClient hog = proxy.client({.receive_buffer = 16 * 1024});
  hog.send(test::get("/hog"));
  static_cast<void>(hog.read_response_head());
  {
    const test::Ballast ballast(missing_to(limit, 105));
    // Found at the next bytes of anybody's, once the queue of the one who does not read is there.
    int pushed = 0;
    test::eventually("the hog is cut", [&] {
      chunks.push("tick");
      ++pushed;
      CHECK(good.read_body_until(response, "tick") == "tick");
      return hog_cut.is_set();
    });
    CHECK_NOTHROW(hog.wait_gone());
    CHECK(metric(proxy, "memory_cut_total") == 1);
    // Nobody even gets in; who speaks TLS could not read why.
    if (transports.client == test::Transport::tls) {
      CHECK_THROWS_AS(static_cast<void>(proxy.client()), test::Failure);
    } else {
      const Message refused = proxy.round_trip(test::get("/"));
      CHECK(refused.status() == 503);
      CHECK(refused.value("retry-after") == "1");
      CHECK(test::api_error(refused).code == "proxy_busy");
    }
  }
  chunks.push("after");
  chunks.push("");
  response.body.clear();
  good.read_rest(response);
  CHECK(response.body == "after");
}

TEST_CASE("memory_limit is taken over by a reload") {
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(upstream, "");
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).body == "ok");
  const test::Ballast ballast(16 * mebi);
  proxy.reload(upstream.url(), "memory_limit: 16MiB");
  check_refused(client.round_trip(test::get("/")));
  proxy.reload(upstream.url(), "memory_limit: off");
  CHECK(client.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("a limit that the program alone exceeds is refused at the start") {
  RawUpstream upstream(test::serve(ok));
  const test::Ballast ballast(16 * mebi);
  server::Server server(std::make_shared<const config::Config>(
      test::test_config(upstream.url(), "memory_limit: 16MiB")));
  const auto started = server.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().starts_with("memory_limit is 16777216 bytes, but the program alone holds"));
}
