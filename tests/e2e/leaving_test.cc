// Either side leaves before the exchange has ended.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// How the client leaves.
void leave(RawClient& client, int how) {
  if (how == 0) client.close();
  if (how == 1) client.reset();
  if (how == 2) client.shutdown_write();
}

}  // namespace

TEST_CASE_TRANSPORTS("a client that leaves a stream cancels the upstream's request at once") {
  for (const int how : {0, 1, 2}) {
    CAPTURE(how);
    test::Signal upstream_told;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(chunked_head + test::chunk("token"));
                           connection.wait_gone();
                           upstream_told.set();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/"));
    Message response = client.read_response_head();
    CHECK(client.read_body_until(response, "token") == "token");
    leave(client, how);
    upstream_told.wait(std::chrono::milliseconds(2000));
  }
}

TEST_CASE_TRANSPORTS("a client that leaves while it waits for the head cancels it too") {
  for (const int how : {0, 1, 2}) {
    CAPTURE(how);
    test::Signal request_seen;
    test::Signal upstream_told;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           request_seen.set();
                           connection.wait_gone();
                           upstream_told.set();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::post("/", "{}"));
    request_seen.wait();
    leave(client, how);
    upstream_told.wait(std::chrono::milliseconds(2000));
    CHECK(upstream.connections() == 1);  // never retried for a client that is gone
  }
}

TEST_CASE("a client that leaves inside its request body cancels it") {
  test::Signal first_seen;
  test::Signal upstream_told;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    Message request = connection.read_request_head().value();
    CHECK(connection.read_body_until(request, "first") == "first");
    first_seen.set();
    CHECK_THROWS_AS(connection.read_rest(request), test::Failure);
    upstream_told.set();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST / HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n" +
              test::chunk("first"));
  first_seen.wait();
  client.close();
  upstream_told.wait();
}

TEST_CASE("a client that leaves does not hurt those beside it") {
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(chunked_head + test::chunk("a"));
    go_on.wait();
    connection.send(test::chunk("b") + std::string(test::last_chunk));
  });
  const Proxy proxy(upstream);
  RawClient leaving = proxy.client();
  RawClient staying = proxy.client();
  leaving.send(test::get("/"));
  staying.send(test::get("/"));
  Message left = leaving.read_response_head();
  Message stayed = staying.read_response_head();
  CHECK(leaving.read_body_until(left, "a") == "a");
  CHECK(staying.read_body_until(stayed, "a") == "a");
  leaving.reset();
  go_on.set();
  staying.read_rest(stayed);
  CHECK(stayed.body == "b");
}

TEST_CASE_TRANSPORTS("an upstream that breaks off a body never looks complete") {
  struct Case {
    std::string head;
    std::string body;
    int how;  // 0 close, 1 FIN without close_notify, 2 RST, 3 a fatal alert
  };
  for (const Case& c : {Case{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "half", 0},
                        Case{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "half", 2},
                        Case{chunked_head, test::chunk("half"), 0},
                        Case{chunked_head, test::chunk("half"), 1},
                        Case{chunked_head, test::chunk("half"), 2},
                        Case{chunked_head, test::chunk("half"), 3},
                        Case{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "half", 3},
                        Case{chunked_head, "ff\r\nhalf", 0},
                        Case{"HTTP/1.1 200 OK\r\n\r\n", "half", 2}}) {
    CAPTURE(c.head);
    CAPTURE(c.how);
    test::Signal half_seen;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(c.head + c.body);
                           half_seen.wait();
                           if (c.how == 0) connection.close();
                           if (c.how == 1) connection.drop();
                           if (c.how == 2) connection.reset();
                           if (c.how == 3) connection.alert();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/"));
    Message response = client.read_response_head();
    CHECK(response.status() == 200);
    CHECK(client.read_body_until(response, "half") == "half");
    half_seen.set();
    CHECK_THROWS_AS(client.read_rest(response), test::Failure);
    CHECK(upstream.requests() == 1);  // once the head is out nothing is tried again
  }
}

TEST_CASE("TLS: a body up to the end is complete only with close_notify") {
  constexpr auto notify = &UpstreamConnection::close;
  for (const auto end : {notify, &UpstreamConnection::drop, &UpstreamConnection::alert}) {
    RawUpstream upstream(test::upstream_options(test::Transport::tls),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send("HTTP/1.1 200 OK\r\n\r\nall");
                           (connection.*end)();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/"));
    Message response = client.read_response_head();
    CHECK(client.read_body_until(response, "all") == "all");
    if (end == notify) {
      client.read_rest(response);
      CHECK(response.body.empty());
    } else {
      CHECK_THROWS_AS(client.read_rest(response), test::Failure);
    }
  }
}

TEST_CASE("garbage inside a chunked body cuts the client") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(chunked_head + test::chunk("good") + "zz\r\nbad\r\n");
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  CHECK_THROWS_AS(static_cast<void>(proxy.round_trip(test::get("/"))), test::Failure);
}

TEST_CASE_TRANSPORTS("an early 4xx with unread body reaches the client") {
  for (const std::string status : {"413 Content Too Large", "401 Unauthorized"}) {
    CAPTURE(status);
    RawUpstream upstream(
        test::upstream_options(transports.upstream), [&](UpstreamConnection& connection) {
          if (!connection.read_request_head()) return;
          connection.send(
              test::message(status, {{"Connection", "close"}, {"X-Early", "1"}}, "refused"));
          connection.shutdown_write();
          connection.wait_gone();
        });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 100000000\r\n\r\n");
    const std::string piece(100'000, 'x');
    try {
      for (int i = 0; i < 20; ++i)
        client.send(piece);
    } catch (const test::Failure&) {
      // The proxy may stop reading and close; the answer must still be there.
    }
    const Message response = client.read_response();
    CHECK(response.start_line == "HTTP/1.1 " + status);
    CHECK(response.has("x-early"));
    CHECK(response.body == "refused");
    CHECK_NOTHROW(client.wait_gone());
  }
}
