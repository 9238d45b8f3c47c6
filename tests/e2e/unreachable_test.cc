// Machines and networks that are gone without a word, upstream's and client's.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");
// Of the upstream; the kernel's probes need two seconds at least, what was sent does not.
const std::string soon = "upstreams: { openai: { timeouts: { unreachable: 200ms } } }";

// Answers, and then is gone; further connections are answered as usual.
RawUpstream::Script vanish_after_answer() {
  return [](UpstreamConnection& connection) {
    while (connection.read_request()) {
      connection.send(ok);
      if (connection.index() == 0) {
        connection.vanish();
        connection.wait_gone();
        return;
      }
    }
  };
}

}  // namespace

TEST_CASE_TRANSPORTS("a kept connection whose network is gone: a new one, or an error in time") {
  RawUpstream upstream(test::upstream_options(transports.upstream), vanish_after_answer());
  const Proxy proxy(upstream, soon);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).body == "ok");
  CHECK(client.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.connections() == 2);
}

TEST_CASE("a POST that may have run is answered for") {
  RawUpstream upstream(vanish_after_answer());
  const Proxy proxy(upstream, soon);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).body == "ok");
  const Message response = client.round_trip(test::post("/", "x"));
  CHECK(response.status() == 504);
  CHECK(test::api_error(response).code == "upstream_unreachable");
  CHECK(client.round_trip(test::get("/")).body == "ok");
}

TEST_CASE_TRANSPORTS("a client whose network is gone in the middle of a stream cancels it") {
  test::Signal told;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                         for (int i = 0; i < 10'000; ++i) {
                           try {
                             connection.send(test::chunk("token"));
                           } catch (const test::Reset&) {
                             break;
                           }
                           if (!connection.silent_for(std::chrono::milliseconds(2))) break;
                         }
                         told.set();
                       });
  const Proxy proxy(upstream, "timeouts: { unreachable: 200ms }");
  RawClient client = proxy.client();
  client.send(test::get("/"));
  CHECK(client.read_response_head().status() == 200);
  client.vanish();
  told.wait();
}

TEST_CASE("a tunnel ends when either of its networks is gone") {
  test::Signal told;
  bool is_upstream_gone = false;
  SUBCASE("the upstream's") {
    is_upstream_gone = true;
  }
  SUBCASE("the client's") {}
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    if (is_upstream_gone) {
      connection.vanish();
      told.wait();
      return;
    }
    connection.send("to nobody");
    connection.wait_gone();
    told.set();
  });
  const Proxy proxy(upstream, soon + "\ntimeouts: { unreachable: 200ms }");
  RawClient client = proxy.client();
  client.send(test::get("/", {{"Connection", "Upgrade"}, {"Upgrade", "x"}}));
  if (is_upstream_gone) {
    CHECK(client.read_response().status() == 101);
    client.send("to nobody");
    client.wait_gone();
    told.set();
  } else {
    client.vanish();
    told.wait();
  }
}
