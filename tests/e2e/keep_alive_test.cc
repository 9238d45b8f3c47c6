// How long a client's connection lives: keep-alive, pipelining, HTTP/1.0, Connection: close.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// Says which target it was asked for.
std::string echo_target(const Message& request) {
  return test::message("200 OK", {}, request.target());
}

}  // namespace

TEST_CASE_TRANSPORTS("one client connection serves many requests") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(echo_target));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 50; ++i) {
    const std::string target = "/" + std::to_string(i);
    CHECK(client.round_trip(test::get(target)).body == target);
  }
  CHECK(upstream.connections() == 1);
}

TEST_CASE_TRANSPORTS("pipelined requests are answered in order") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(echo_target));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  constexpr int count = 40;
  std::string all;
  for (int i = 0; i < count; ++i) {
    const std::string target = "/" + std::to_string(i);
    all += i % 3 == 0 ? test::post(target, "body of " + target) : test::get(target);
  }
  client.send(all);
  for (int i = 0; i < count; ++i)
    CHECK(client.read_response().body == "/" + std::to_string(i));
}

TEST_CASE("pipelined requests wait for a response that streams") {
  test::Signal second_sent;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target() == "/1") {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        test::chunk("begin"));
        second_sent.wait();
        connection.send(test::chunk("-end") + std::string(test::last_chunk));
      } else {
        connection.send(echo_target(*request));
      }
    }
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/1"));
  Message first = client.read_response_head();
  CHECK(client.read_body_until(first, "begin") == "begin");
  client.send(test::get("/2") + test::get("/3"));
  second_sent.set();
  client.read_rest(first);
  CHECK(first.body == "-end");
  CHECK(client.read_response().body == "/2");
  CHECK(client.read_response().body == "/3");
}

TEST_CASE("a flood of pipelined requests is read no further than it is answered") {
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      go_on.wait();
      connection.send(echo_target(*request));
    }
  });
  std::string flood;
  int count = 0;
  const std::string padding(1000, 'p');
  while (flood.size() < 48U << 20) {
    flood += test::get("/" + std::to_string(count++), {{"X-Padding", padding}});
  }
  const Proxy proxy(upstream);
  RawClient client = proxy.client();  // not earlier: it has only so long for its first head
  const size_t taken = client.send_until_blocked(flood, std::chrono::milliseconds(500));
  CHECK(taken < flood.size());
  CHECK(upstream.requests() <= 1);
  go_on.set();
  CHECK(client.read_response().body == "/0");
  CHECK(client.read_response().body == "/1");
}

TEST_CASE_TRANSPORTS("Connection: close is kept to") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(echo_target));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/1", {{"Connection", "close"}}) + test::get("/2"));
  const Message response = client.read_response();
  CHECK(response.body == "/1");
  CHECK(response.value("connection") == "close");
  CHECK(client.read_to_end().empty());
  CHECK(proxy.round_trip(test::get("/3")).body == "/3");
  CHECK(upstream.connections() == 1);  // the upstream's connection does not share its client's fate
}

TEST_CASE("HTTP/1.0 clients: closed after the response, unless they ask to keep it") {
  RawUpstream upstream(test::serve(echo_target));
  const Proxy proxy(upstream);
  {
    RawClient client = proxy.client();
    client.send("GET /old HTTP/1.0\r\nHost: p\r\n\r\n");
    CHECK(client.read_response().body == "/old");
    CHECK(client.read_to_end().empty());
  }
  {
    RawClient client = proxy.client();
    const std::string kept = "GET /kept HTTP/1.0\r\nHost: p\r\nConnection: keep-alive\r\n\r\n";
    for (int i = 0; i < 2; ++i) {
      const Message response = client.round_trip(kept);
      CHECK(response.body == "/kept");
      CHECK(response.value("connection") == "keep-alive");
    }
  }
  CHECK(upstream.next_request().version() == "HTTP/1.1");
}

TEST_CASE("an HTTP/1.0 client gets a chunked response up to the connection's end") {
  RawUpstream upstream(test::serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                   test::chunk("un") + test::chunk("framed") +
                                   std::string(test::last_chunk)));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("GET / HTTP/1.0\r\nHost: p\r\nConnection: keep-alive\r\n\r\n");
  const Message response = client.read_response();
  CHECK_FALSE(response.has("transfer-encoding"));
  CHECK(response.ending == test::Ending::until_close);
  CHECK(response.body == "unframed");
}

TEST_CASE("an HTTP/1.0 request without Host is served") {
  RawUpstream upstream(test::serve(echo_target));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip("GET /x HTTP/1.0\r\n\r\n").body == "/x");
  CHECK(upstream.next_request().value("host") == upstream.authority());
}

TEST_CASE("empty lines before a request are skipped") {
  RawUpstream upstream(test::serve(echo_target));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("\r\n\r\n" + test::get("/1"));
  CHECK(client.read_response().body == "/1");
  client.send("\r\n" + test::get("/2"));
  CHECK(client.read_response().body == "/2");
}

TEST_CASE("an idle client connection ends after timeouts.keep_alive") {
  RawUpstream upstream(test::serve(echo_target));
  const Proxy proxy(upstream, "timeouts: { keep_alive: 300ms }");
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).status() == 200);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("an idle client connection outlives requests elsewhere") {
  RawUpstream upstream(test::serve(echo_target));
  const Proxy proxy(upstream);
  RawClient first = proxy.client();
  RawClient second = proxy.client();
  CHECK(first.round_trip(test::get("/1")).body == "/1");
  CHECK(second.round_trip(test::get("/2")).body == "/2");
  second.close();
  CHECK(first.round_trip(test::get("/3")).body == "/3");
}

TEST_CASE("whatever size a request had that the proxy answers itself, the next one is read") {
  // Larger than what is held for an upstream, and all there when the proxy gives up waiting.
  test::Signal done;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (connection.read_request()) done.wait();
  });
  const Proxy proxy(
      upstream, "upstreams: { openai: { pool: { connections_max: 1, waiting_timeout: 500ms } } }");
  RawClient first = proxy.client();
  first.send(test::get("/"));
  test::eventually("the one connection is taken", [&] { return upstream.requests() == 1; });
  RawClient client = proxy.client();
  for (const size_t size : {size_t{66'000}, size_t{100'000}, size_t{130'000}}) {
    CAPTURE(size);
    const Message answer = client.round_trip(test::post("/v1/x", test::pattern(size)));
    CHECK(answer.status() == 503);
    CHECK_FALSE(answer.has("connection"));
  }
  done.set();
}
