// Stopping in good order: what runs ends, nobody new comes in.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

bool refuses(uint16_t port) {
  try {
    static_cast<void>(test::connect_tcp("127.0.0.1", port));
    return false;
  } catch (const test::Reset&) {
    return true;
  }
}

const std::string begun =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk("begin");

}  // namespace

TEST_CASE_TRANSPORTS("a running stream ends, then the proxy does") {
  test::Signal go_on;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(begun);
                         go_on.wait();
                         connection.send(test::chunk("-end") + std::string(test::last_chunk));
                         connection.wait_gone();
                       });
  Proxy proxy(upstream);
  const uint16_t port = proxy.port();
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  CHECK(client.read_body_until(response, "begin") == "begin");
  proxy.server().drain();
  test::eventually("no new connections", [&] { return refuses(port); });
  go_on.set();
  client.read_rest(response);
  CHECK(response.body == "-end");
  CHECK(client.read_to_end().empty());
  client.close();
  proxy.server().wait();
}

TEST_CASE("idle connections end soon; one whose request is on its way is served") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  Proxy proxy(upstream);
  RawClient idle = proxy.client();
  RawClient racing = proxy.client();
  CHECK(idle.round_trip(test::get("/")).body == "ok");
  CHECK(racing.round_trip(test::get("/")).body == "ok");
  proxy.server().drain();
  racing.send(test::get("/"));
  const Message response = racing.read_response();
  CHECK(response.body == "ok");
  CHECK(idle.read_to_end().empty());
  CHECK(racing.read_to_end().empty());
  idle.close();
  racing.close();
  proxy.server().wait();
}

TEST_CASE("a response during the drain says that the connection closes") {
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    go_on.wait();
    connection.send(test::message("200 OK", {}, "ok"));
    connection.wait_gone();
  });
  Proxy proxy(upstream);
  const uint16_t port = proxy.port();
  RawClient client = proxy.client();
  client.send(test::get("/"));
  test::eventually("the request went up", [&] { return upstream.requests() == 1; });
  proxy.server().drain();
  test::eventually("no new connections", [&] { return refuses(port); });
  go_on.set();
  const Message response = client.read_response();
  CHECK(response.value("connection") == "close");
  CHECK(client.read_to_end().empty());
  client.close();
  proxy.server().wait();
}

TEST_CASE("after timeouts.drain what still runs is cut") {
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(begun);
    connection.wait_gone();
  });
  Proxy proxy(upstream, "timeouts: { drain: 400ms }");
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  CHECK(client.read_body_until(response, "begin") == "begin");
  proxy.server().drain();
  CHECK_THROWS_AS(client.read_rest(response), test::Failure);
  proxy.server().wait();
}

TEST_CASE("stop() cuts at once") {
  test::Signal told;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(begun);
    connection.wait_gone();
    told.set();
  });
  Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  CHECK(client.read_body_until(response, "begin") == "begin");
  proxy.server().stop();
  proxy.server().wait();
  CHECK_THROWS_AS(client.read_rest(response), test::Failure);
  told.wait();
}

TEST_CASE("whoever is connected when the drain begins is served") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  for (int round = 0; round < 10; ++round) {
    Proxy proxy(upstream, "workers: 2");
    std::vector<RawClient> clients;
    for (int i = 0; i < 30; ++i) {
      clients.push_back(proxy.client());
      clients.back().send(test::get("/"));
    }
    proxy.server().drain();
    for (RawClient& client : clients)
      CHECK(client.read_response().body == "ok");
    clients.clear();
    proxy.server().wait();
  }
}

TEST_CASE("a tunnel is cut at the drain's deadline") {
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: x\r\n\r\nhello");
    connection.wait_gone();
  });
  Proxy proxy(upstream, "timeouts: { drain: 400ms }");
  RawClient client = proxy.client();
  client.send(test::get("/", {{"Connection", "Upgrade"}, {"Upgrade", "x"}}));
  CHECK(client.read_response().status() == 101);
  CHECK(client.read_exactly(5) == "hello");
  proxy.server().drain();
  proxy.server().wait();
  client.wait_gone();
}
