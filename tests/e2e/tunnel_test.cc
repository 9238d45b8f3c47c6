// Upgrade: after a 101 raw bytes go both ways; without one it stays HTTP.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Fields;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const Fields websocket = {{"Connection", "keep-alive, Upgrade"},
                          {"Upgrade", "websocket"},
                          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                          {"Sec-WebSocket-Version", "13"},
                          {"Sec-WebSocket-Protocol", "realtime"},
                          {"Sec-WebSocket-Extensions", "permessage-deflate"}};

const std::string accepted =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: "
    "realtime\r\n\r\n";

// Sends back whatever comes, as it comes.
void echo(UpstreamConnection& connection) {
  for (std::string some = connection.read_some(); !some.empty(); some = connection.read_some()) {
    connection.send(some);
  }
}

}  // namespace

TEST_CASE_TRANSPORTS("an upgrade becomes a tunnel") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(accepted);
                         echo(connection);
                         connection.close();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/v1/realtime?model=x", websocket));
  const Message response = client.read_response();
  CHECK(response.status() == 101);
  CHECK(response.value("upgrade") == "websocket");
  CHECK(response.value("connection") == "upgrade");
  CHECK(response.value("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(response.value("sec-websocket-protocol") == "realtime");
  CHECK_FALSE(response.has("content-length"));
  const Message seen = upstream.next_request();
  CHECK(seen.target() == "/v1/realtime?model=x");
  CHECK(seen.value("upgrade") == "websocket");
  CHECK(seen.value("connection") == "upgrade");
  CHECK(seen.value("sec-websocket-extensions") == "permessage-deflate");
  CHECK(seen.value("sec-websocket-key") == "dGhlIHNhbXBsZSBub25jZQ==");

  // Nothing in it is HTTP any more.
  for (const std::string& bytes : {std::string("\x81\x05hello", 7),
                                   std::string("GET / HTTP/1.1\r\n\r\n"),
                                   std::string("\0\r\n\r\n0", 6),
                                   test::pattern(1 << 20)}) {
    client.send(bytes);
    CHECK(client.read_exactly(bytes.size()) == bytes);
  }
  client.close();
}

TEST_CASE_TRANSPORTS("bytes that came with the heads are not lost") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(accepted + "welcome");
                         CHECK(connection.read_exactly(5) == "early");
                         connection.send("got early");
                         connection.wait_gone();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/v1/realtime", websocket) + "early");
  CHECK(client.read_response().status() == 101);
  CHECK(client.read_exactly(16) == "welcomegot early");
}

TEST_CASE_TRANSPORTS("a half-close goes through; the other direction lives on") {
  SUBCASE("the client ends first") {
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(accepted);
                           CHECK(connection.read_to_end() == "all I say");
                           connection.send("my answer");
                           connection.close();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/", websocket));
    CHECK(client.read_response().status() == 101);
    client.send("all I say");
    client.shutdown_write();
    CHECK(client.read_to_end() == "my answer");
  }
  SUBCASE("the upstream ends first") {
    test::Queue<std::string> heard;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(accepted + "all I say");
                           connection.shutdown_write();
                           heard.push(connection.read_to_end());
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/", websocket));
    CHECK(client.read_response().status() == 101);
    CHECK(client.read_to_end() == "all I say");
    client.send("my answer");
    client.close();
    CHECK(heard.pop() == "my answer");
  }
}

TEST_CASE_TRANSPORTS("an abort on either side tears down the other") {
  SUBCASE("the client") {
    test::Signal told;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(accepted);
                           connection.wait_gone();
                           told.set();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/", websocket));
    CHECK(client.read_response().status() == 101);
    client.reset();
    told.wait();
  }
  SUBCASE("the upstream") {
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(accepted);
                           CHECK(connection.read_exactly(2) == "go");
                           connection.reset();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/", websocket));
    CHECK(client.read_response().status() == 101);
    client.send("go");
    client.wait_gone();
  }
}

TEST_CASE_TRANSPORTS("an upstream that declines is answered as HTTP, and the connection goes on") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       test::serve([](const Message& request) {
                         return request.has("upgrade") ? test::message("403 Forbidden", {}, "no")
                                                       : test::message("200 OK", {}, "yes");
                       }));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  const Message declined = client.round_trip(test::get("/", websocket));
  CHECK(declined.status() == 403);
  CHECK(declined.body == "no");
  CHECK(client.round_trip(test::get("/")).body == "yes");
  // A request pipelined behind the declined one is a request still.
  client.send(test::get("/", websocket) + test::get("/next"));
  CHECK(client.read_response().status() == 403);
  CHECK(client.read_response().body == "yes");
}

TEST_CASE("an upgrade without Connection: upgrade is none") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/", {{"Upgrade", "websocket"}})).body == "ok");
  CHECK_FALSE(upstream.next_request().has("upgrade"));
}

TEST_CASE("h2c is not offered upstream") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream);
  const Message response =
      proxy.round_trip(test::get("/",
                                 {{"Connection", "Upgrade, HTTP2-Settings"},
                                  {"Upgrade", "h2c"},
                                  {"HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"}}));
  CHECK(response.body == "ok");
  CHECK_FALSE(upstream.next_request().has("http2-settings"));
}

TEST_CASE("websockets: false answers 426") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream, "routes: [ { path: /, upstream: openai, websockets: false } ]");
  RawClient client = proxy.client();
  const Message refused = client.round_trip(test::get("/", websocket));
  CHECK(refused.status() == 426);
  // RFC 9110 15.5.22: what is required instead.
  CHECK(refused.value("upgrade") == "HTTP/1.1");
  CHECK(refused.value("connection") == "upgrade");
  CHECK_FALSE(test::api_error(refused).message.empty());
  CHECK(client.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.requests() == 1);
}

TEST_CASE("a tunnel's connection is not used for anything else") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    if (!request->has("upgrade")) {
      connection.send(test::message("200 OK", {}, "fresh"));
      connection.wait_gone();
      return;
    }
    connection.send(accepted);
    connection.close();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/", websocket));
  CHECK(client.read_response().status() == 101);
  CHECK(client.read_to_end().empty());
  CHECK(proxy.round_trip(test::get("/")).body == "fresh");
  CHECK(upstream.connections() == 2);
}
