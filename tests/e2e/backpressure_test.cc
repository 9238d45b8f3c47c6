// A slow side stops the other; what waits in between stays small.
#include <algorithm>
#include <atomic>
#include <malloc.h>
#include <thread>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

constexpr size_t total_bytes = 128U << 20;
constexpr std::chrono::milliseconds quiet{200};

// Bytes of the heap in use by the whole process. A sanitizer's allocator does not report here.
size_t heap_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Sends `total_bytes` of `piece` again and again until nothing is taken any more; then says so,
// waits for `go_on`, and sends the rest.
void send_all(test::Endpoint& to,
              const std::string& piece,
              std::atomic<size_t>& sent,
              test::Signal& blocked,
              test::Signal& go_on) {
  while (sent < total_bytes) {
    const size_t taken = blocked.is_set() ? 0 : to.send_until_blocked(piece, quiet);
    sent += taken;
    if (taken == piece.size()) continue;
    if (!blocked.is_set()) {
      blocked.set();
      go_on.wait(3 * test::patience);
    }
    to.send(std::string_view(piece).substr(taken));
    sent += piece.size() - taken;
  }
}

// Reads `total_bytes` of it; whether all were right.
bool read_all(test::Endpoint& from, const std::string& piece) {
  for (size_t read = 0; read < total_bytes; read += piece.size()) {
    if (from.read_exactly(piece.size()) != piece) return false;
  }
  return true;
}

const std::string length_line = "Content-Length: " + std::to_string(total_bytes) + "\r\n";

}  // namespace

TEST_CASE_TRANSPORTS("a client that does not read stops the upstream") {
  const std::string piece = test::pattern(1 << 20);
  std::atomic<size_t> sent = 0;
  test::Signal blocked;
  test::Signal go_on;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send("HTTP/1.1 200 OK\r\n" + length_line + "\r\n");
                         send_all(connection, piece, sent, blocked, go_on);
                         connection.wait_gone();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client({.receive_buffer = 64 * 1024});
  CHECK(proxy.round_trip("GET /refused\r\n\r\n").status() == 400);  // warms the worker up
  const size_t heap_before = heap_bytes();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  blocked.wait(3 * test::patience);
  CHECK(sent < total_bytes / 2);  // the rest is in the kernel's buffers of four sockets
  if (!test::sanitized) CHECK(heap_bytes() < heap_before + (1U << 20));
  go_on.set();
  CHECK(read_all(client, piece));
}

TEST_CASE("what slow clients may hold shrinks with their number, for tunnels as for responses") {
  constexpr int clients = 200;
  bool is_tunnel = false;
  SUBCASE("responses") {}
  SUBCASE("tunnels") {
    is_tunnel = true;
  }
  const std::string piece = test::pattern(64 << 10);
  std::atomic<int> blocked = 0;
  test::Signal end;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(is_tunnel ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                "Upgrade: x\r\n\r\n"
                              : "HTTP/1.1 200 OK\r\n" + length_line + "\r\n");
    while (connection.send_until_blocked(piece, quiet) == piece.size())
      continue;
    ++blocked;
    end.wait(6 * test::patience);
  });
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip("GET /refused\r\n\r\n").status() == 400);
  const size_t heap_before = heap_bytes();
  std::vector<RawClient> slow;
  for (int i = 0; i < clients; ++i) {
    slow.push_back(proxy.client({.receive_buffer = 4096}));
    slow.back().send(is_tunnel ? test::get("/", {{"Connection", "Upgrade"}, {"Upgrade", "x"}})
                               : test::get("/"));
  }
  test::eventually("all upstreams are held back", [&] { return blocked == clients; });
  // Two blocks each, the room they share, and what a connection weighs; each had 192 KiB before.
  if (!test::sanitized) CHECK(heap_bytes() < heap_before + clients * (64U << 10));
  slow.clear();
  end.set();
}

TEST_CASE_TRANSPORTS("an upstream that does not read stops the client") {
  const std::string piece = test::pattern(1 << 20);
  test::Signal blocked;
  test::Signal go_on;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         const auto request = connection.read_request_head();
                         if (!request) return;
                         go_on.wait(3 * test::patience);
                         CHECK(read_all(connection, piece));
                         connection.send(test::message("200 OK", {}, "all there"));
                         connection.wait_gone();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(proxy.round_trip("GET /refused\r\n\r\n").status() == 400);
  client.send("POST / HTTP/1.1\r\nHost: p\r\n" + length_line + "\r\n");
  test::eventually("the head went up", [&] { return upstream.requests() == 1; });
  const size_t heap_before = heap_bytes();
  std::atomic<size_t> sent = 0;
  std::thread watcher([&] {
    blocked.wait(3 * test::patience);
    CHECK(sent < total_bytes / 2);
    // A TLS client lives in this process too, with buffers of its own.
    const size_t of_client = transports.client == test::Transport::tls ? 1U << 19 : 0;
    if (!test::sanitized) CHECK(heap_bytes() < heap_before + (1U << 20) + of_client);
    go_on.set();
  });
  send_all(client, piece, sent, blocked, go_on);
  watcher.join();
  CHECK(client.read_response().body == "all there");
}

TEST_CASE_TRANSPORTS("a body up to the connection's end arrives whole at a slow client") {
  const std::string piece = test::pattern(1 << 20);
  constexpr size_t pieces = 16;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send("HTTP/1.1 200 OK\r\n\r\n");
                         for (size_t i = 0; i < pieces; ++i)
                           connection.send(piece);
                         connection.close();  // with much of it still on its way
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client({.receive_buffer = 64 * 1024});
  client.send(test::get("/"));
  Message response = client.read_response_head();
  client.read_rest(response);
  CHECK(response.body.size() == pieces * piece.size());
  CHECK(response.body.ends_with(piece));
}

TEST_CASE("pipelined answers wait for a client that does not read") {
  const std::string answer = test::message("200 OK", {}, test::pattern(1 << 20));
  constexpr int count = 128;
  std::atomic<size_t> sent = 0;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (connection.read_request()) {
      connection.send(answer);
      ++sent;
    }
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client({.receive_buffer = 64 * 1024});
  CHECK(proxy.round_trip("GET /refused\r\n\r\n").status() == 400);
  const size_t heap_before = heap_bytes();
  std::string requests;
  for (int i = 0; i < count; ++i)
    requests += test::get("/");
  client.send(requests);
  // Until nothing moves any more.
  for (size_t before = SIZE_MAX; before != sent;) {
    before = sent;
    std::this_thread::sleep_for(quiet);
  }
  CHECK(sent < count / 2);
  if (!test::sanitized) CHECK(heap_bytes() < heap_before + (3U << 20));  // one is the test's
  for (int i = 0; i < count; ++i)
    CHECK(client.read_response().body.size() == 1U << 20);
}

TEST_CASE("a tunnel holds back in both directions") {
  const std::string piece = test::pattern(1 << 20);
  std::atomic<size_t> sent = 0;
  test::Signal blocked;
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: x\r\n\r\n");
    send_all(connection, piece, sent, blocked, go_on);
    CHECK(read_all(connection, piece));
    connection.close();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/", {{"Connection", "Upgrade"}, {"Upgrade", "x"}}));
  CHECK(client.read_response().status() == 101);
  blocked.wait(3 * test::patience);
  CHECK(sent < total_bytes / 2);
  go_on.set();
  CHECK(read_all(client, piece));
  // The upstream reads only now.
  for (size_t i = 0; i < total_bytes; i += piece.size())
    client.send(piece);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a client that never reads is cut after timeouts.response_write_silence") {
  const std::string piece = test::pattern(1 << 20);
  test::Signal told;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 200 OK\r\n" + length_line + "\r\n");
    try {
      for (size_t i = 0; i < total_bytes; i += piece.size()) {
        connection.send(piece);
      }
    } catch (const test::Reset&) {
      told.set();
    }
  });
  const Proxy proxy(upstream, "timeouts: { response_write_silence: 500ms }");
  RawClient client = proxy.client({.receive_buffer = 64 * 1024});
  client.send(test::get("/"));
  told.wait();
}

TEST_CASE("a slow client does not slow down one beside it") {
  const std::string piece = test::pattern(1 << 20);
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target() == "/quick") {
        connection.send(test::message("200 OK", {}, "quick"));
        continue;
      }
      connection.send("HTTP/1.1 200 OK\r\n" + length_line + "\r\n");
      try {
        for (size_t i = 0; i < total_bytes; i += piece.size()) {
          connection.send(piece);
        }
      } catch (const test::Failure&) {
        return;  // its client has left
      }
    }
  });
  const Proxy proxy(upstream);
  std::vector<RawClient> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(proxy.client({.receive_buffer = 16 * 1024}));
    slow.back().send(test::get("/slow"));
    CHECK(slow.back().read_response_head().status() == 200);
  }
  RawClient quick = proxy.client();
  for (int i = 0; i < 100; ++i)
    CHECK(quick.round_trip(test::get("/quick")).body == "quick");
}
