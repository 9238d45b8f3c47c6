// Who speaks TLS where there is none, or something else altogether: each hears what to do.
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

using namespace std::string_literals;

// Says that, whatever it hears, and ends.
RawUpstream::Script say(std::string words) {
  return [words = std::move(words)](UpstreamConnection& connection) {
    static_cast<void>(connection.read_some());
    connection.send(words);
    connection.shutdown_write();
    connection.wait_gone();
  };
}

void check_hears(const std::string& scheme, const std::string& words, const std::string& advice) {
  CAPTURE(scheme);
  CAPTURE(words);
  RawUpstream upstream(say(words));
  const Proxy proxy(scheme + upstream.authority(), "");
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.status() == 502);
  const test::ApiError error = test::api_error(response);
  CHECK(error.message.find(advice) != std::string::npos);
  CHECK(response.value("x-should-retry") == "false");
}

}  // namespace

TEST_CASE("an upstream that speaks something else than its url says: the client hears what") {
  const std::string http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
  check_hears("https://", http, "speaks plain HTTP: write http://");
  check_hears("http://", "\x15\x03\x01\x00\x02\x02\x46"s, "speaks TLS: write https://");
  check_hears("http://", "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"s, "HTTP/2");
  for (const char* scheme : {"http://", "https://"}) {
    check_hears(scheme, "SSH-2.0-OpenSSH_9.2\r\n", "SSH server");
    check_hears(scheme, "220 mail.example ESMTP\r\n", "mail or FTP server");
  }
}

TEST_CASE("a whole response in clear before the handshake is no response") {
  RawUpstream upstream(say("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninjected"));
  const Proxy proxy("https://" + upstream.authority(), "");
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.status() == 502);
  CHECK(response.body.find("injected") == std::string::npos);
}

TEST_CASE("an upstream that says nothing to plain HTTP: a hint at https") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    static_cast<void>(connection.read_some());
    connection.shutdown_write();
    connection.wait_gone();
  });
  const Proxy proxy("http://" + upstream.authority(), "");
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.status() == 502);
  CHECK(test::api_error(response).message.find("write https://") != std::string::npos);
}

TEST_CASE("a client that speaks TLS to a plain address gets an alert, no HTTP") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream);
  test::RawClient client(test::plain_wire(test::connect_tcp("127.0.0.1", proxy.port())));
  client.send("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"s);
  CHECK(client.read_to_end() == "\x15\x03\x01\x00\x02\x02\x28"s);
  // Others are served on.
  CHECK(proxy.round_trip(test::get("/")).status() == 200);
}
