// Clients that send or read as slowly as they can: each is cut in its time, nobody else notices.
#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using std::chrono::milliseconds;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");
constexpr size_t large_bytes = 16U << 20;

// /large is more than any buffers take; all else is "ok".
RawUpstream::Script serve_large() {
  static const std::string large = test::message("200 OK", {}, test::pattern(large_bytes));
  return [](UpstreamConnection& connection) {
    try {
      while (const auto request = connection.read_request())
        connection.send(request->target() == "/large" ? large : ok);
    } catch (const test::Failure&) {
      return;  // its client was cut
    }
  };
}

std::string chunked_head(const std::string& target) {
  return "POST " + target + " HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n";
}

// Sends `piece` every `pause` until it is answered or cut; how long that took at least.
milliseconds trickle(RawClient& client, const std::string& piece, milliseconds pause) {
  const auto begun = std::chrono::steady_clock::now();
  try {
    while (client.silent_for(pause))
      client.send(piece);
  } catch (const test::Failure&) {
    // cut
  }
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
}

// Reads `piece` bytes every `pause`; whether the response came whole.
bool read_slowly(RawClient& client, size_t piece, milliseconds pause) {
  try {
    Message response = client.read_response_head();
    for (size_t read = 0; read < large_bytes; read += piece) {
      static_cast<void>(client.read_exactly(std::min(piece, large_bytes - read)));
      std::this_thread::sleep_for(pause);
    }
    return true;
  } catch (const test::Failure&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a body that comes byte by byte is no silence, but too slow: 408") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (connection.read_request_head()) connection.wait_gone();
  });
  const Proxy proxy(upstream, "timeouts: { request_body_silence: 500ms }");
  RawClient client = proxy.client();
  client.send(chunked_head("/"));
  const milliseconds took = trickle(client, "1\r\nx\r\n", milliseconds(50));
  CHECK(took >= milliseconds(500));
  const Message response = client.read_response();
  CHECK(response.status() == 408);
  CHECK(test::api_error(response).code == "request_timeout");
}

TEST_CASE("a body that stalls for a while but is quick on the whole is fine") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "timeouts: { request_body_silence: 1500ms }");
  RawClient client = proxy.client();
  client.send(chunked_head("/"));
  for (int i = 0; i < 4; ++i) {  // longer in all than the silence that is allowed
    client.send(test::chunk(std::string(200, 'x')));
    CHECK(client.silent_for(milliseconds(400)));
  }
  client.send(test::last_chunk);
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a client that reads a little now and then is cut") {
  RawUpstream upstream(serve_large());
  const Proxy proxy(upstream,
                    "timeouts: { response_write_silence: 500ms, response_write_rate_min: 256KiB }");
  RawClient client = proxy.client({.receive_buffer = 16 * 1024});
  client.send(test::get("/large"));
  CHECK(!read_slowly(client, 1000, milliseconds(20)));  // 50 KB a second
  test::eventually("the upstream is let go", [&] { return upstream.open_connections() == 0; });
}

TEST_CASE("a slow client that is quick enough gets it all") {
  RawUpstream upstream(serve_large());
  const Proxy proxy(upstream,
                    "timeouts: { response_write_silence: 500ms, response_write_rate_min: 32KiB }");
  RawClient client = proxy.client({.receive_buffer = 256 * 1024});
  client.send(test::get("/large"));
  CHECK(read_slowly(client, 256 * 1024, milliseconds(20)));
}

TEST_CASE("who reads all there is may be as slow as the stream") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(milliseconds(150));
      connection.send(test::chunk("data: x\n\n"));
    }
    connection.send(test::last_chunk);
  });
  const Proxy proxy(upstream,
                    "timeouts: { response_write_silence: 300ms, response_write_rate_min: 1MiB }");
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  client.read_rest(response);
  CHECK(response.body.size() == 5 * 9);
}

TEST_CASE("the silence of event streams has a limit of its own") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: " + request->target().substr(1) +
                    "\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk("x"));
    // Until the proxy has lost patience, or twice as long as that takes.
    if (connection.silent_for(milliseconds(600))) connection.send(test::last_chunk);
  });
  for (const bool streams_wait : {true, false}) {
    const Proxy proxy(
        upstream,
        std::string("upstreams: { openai: { timeouts: { silence: ") +
            (streams_wait ? "300ms, stream_silence: 10s" : "10s, stream_silence: 300ms") +
            " } } }");
    const auto is_whole = [&](const std::string& type) {
      RawClient client = proxy.client();
      try {
        return client.round_trip(test::get("/" + type)).body == "x";
      } catch (const test::Failure&) {
        return false;
      }
    };
    CHECK(is_whole("text/event-stream") == streams_wait);
    CHECK(is_whole("text/plain") != streams_wait);
  }
}

TEST_CASE("a connection has its number of requests, then it closes in good order") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "limits: { requests_per_connection_max: 3 }");
  RawClient client = proxy.client();
  for (int i = 0; i < 3; ++i) {
    const Message response = client.round_trip(test::get("/"));
    CHECK(response.body == "ok");
    CHECK(response.has("connection") == (i == 2));
  }
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a URL beyond its limit: 414") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "limits: { url_bytes_max: 300 }");
  CHECK(proxy.round_trip(test::get("/" + std::string(299, 'x'))).status() == 200);
  CHECK(proxy.round_trip(test::get("/" + std::string(300, 'x'))).status() == 414);
}

TEST_CASE("many slow clients of every kind: others are served meanwhile") {
  RawUpstream upstream(serve_large());
  const Proxy proxy(
      upstream,
      "timeouts: { request_head: 2s, request_body_silence: 2s, request_body_rate_min: 64KiB,"
      " response_write_silence: 2s, response_write_rate_min: 64KiB }");
  constexpr size_t of_each = 60;
  std::vector<RawClient> heads;
  std::vector<RawClient> bodies;
  std::vector<RawClient> readers;
  for (size_t i = 0; i < of_each; ++i) {
    heads.push_back(proxy.client());
    heads.back().send("GET / HTTP/1.1\r\nHost: p\r\nX: ");
    bodies.push_back(proxy.client());
    bodies.back().send(chunked_head("/"));
    readers.push_back(proxy.client({.receive_buffer = 16 * 1024}));
    readers.back().send(test::get("/large"));
  }
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < milliseconds(1500)) {
    for (RawClient& client : heads)
      client.send("x");
    for (RawClient& client : bodies)
      client.send("1\r\nx\r\n");
    CHECK(proxy.round_trip(test::get("/")).body == "ok");
  }
  for (RawClient& client : heads)
    CHECK(client.read_response().status() == 408);
  for (RawClient& client : bodies) {
    static_cast<void>(trickle(client, "1\r\nx\r\n", milliseconds(5)));
    CHECK(client.read_response().status() == 408);
  }
  test::eventually("every reader was cut",
                   [&] { return upstream.open_connections() <= of_each / 2; });
}
