// 1xx responses: 100 (Continue) on its way both ways, 103, and others.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

std::string expecting(size_t length) {
  return "POST /u HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\nContent-Length: " +
         std::to_string(length) + "\r\n\r\n";
}

}  // namespace

TEST_CASE_TRANSPORTS("a client that waits for 100 gets it, then its body goes up") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         while (auto request = connection.read_request_head()) {
                           if (request->has("expect")) {
                             connection.send("HTTP/1.1 100 Continue\r\n\r\n");
                           }
                           connection.read_rest(*request);
                           connection.send(test::message("200 OK", {}, request->body));
                         }
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 2; ++i) {
    client.send(expecting(4));
    CHECK(client.read_response().status() == 100);
    client.send("data");
    const Message response = client.read_response();
    CHECK(response.status() == 200);
    CHECK(response.body == "data");
  }
}

TEST_CASE("an upstream that never sends 100 serves a client that stops waiting for it") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(expecting(4));
  test::eventually("the head went up", [&] { return upstream.requests() == 1; });
  client.send("data");
  CHECK(client.read_response().body == "ok");
  CHECK(upstream.next_request().body == "data");
}

TEST_CASE("a client that does not wait for 100 is served all the same") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(expecting(4) + "data");
  Message response = client.read_response();
  if (response.status() == 100) response = client.read_response();
  CHECK(response.body == "ok");
  CHECK(upstream.next_request().body == "data");
}

TEST_CASE("a refusal instead of 100 reaches the client") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request_head()) return;
    connection.send(test::message("413 Content Too Large", {}, "no"));
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(expecting(1'000'000'000));
  Message response = client.read_response();
  if (response.status() == 100) response = client.read_response();
  CHECK(response.status() == 413);
  CHECK(response.body == "no");
}

TEST_CASE_TRANSPORTS("103 and other 1xx are passed on before the response") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream),
      test::serve("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\n\r\n"
                  "HTTP/1.1 102 Processing\r\n\r\n" +
                  ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  const Message hints = client.read_response();
  CHECK(hints.status() == 103);
  CHECK(hints.value("link") == "</a>; rel=preload");
  CHECK_FALSE(hints.has("connection"));
  CHECK_FALSE(hints.has("content-length"));
  CHECK(client.read_response().status() == 102);
  CHECK(client.read_response().body == "ok");
  CHECK(client.round_trip(test::get("/2")).status() == 103);
}

TEST_CASE("103 arrives before the upstream has said more") {
  test::Signal hints_seen;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    hints_seen.wait();
    connection.send(ok);
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  CHECK(client.read_response().status() == 103);
  hints_seen.set();
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("an HTTP/1.0 client never sees a 1xx") {
  RawUpstream upstream(test::serve("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("GET / HTTP/1.0\r\nHost: p\r\n\r\n");
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("an unknown expectation is passed on or refused, never ignored") {
  RawUpstream upstream(test::serve([](const Message& request) {
    return test::message(request.has("expect") ? "417 No" : "200 OK");
  }));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/", {{"Expect", "miracles"}})).status() == 417);
}

TEST_CASE("a flood of 1xx ends in 502") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    std::string flood;
    for (int i = 0; i < 1000; ++i) {
      flood += "HTTP/1.1 102 Processing\r\n\r\n";
    }
    connection.send(flood);
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response();
  int interim = 0;
  for (; response.status() == 102; ++interim)
    response = client.read_response();
  CHECK(response.status() == 502);
  CHECK(interim < 100);
}
