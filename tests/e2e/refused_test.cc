// What the parser's tests refuse, through a whole proxy: never forwarded, and the connection ends.
#include <atomic>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"
#include "support/refused_messages.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::RefusedMessage;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");
// Behind what is refused: a request that would be smuggled if it were read.
const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

int expected_status(const RefusedMessage& message) {
  return std::stoi(message.transcript().substr(message.transcript().find('!') + 1));
}

// Sends it and checks the refusal, and that nothing else comes.
void check_refused(const Proxy& proxy, const RefusedMessage& message) {
  CAPTURE(message.what);
  RawClient client = proxy.client();
  try {
    client.send(message.bytes + smuggled);
  } catch (const test::Reset&) {
    // It may be cut before all was taken; the answer must be there all the same.
  }
  const Message response = client.read_response();
  CHECK(response.status() == expected_status(message));
  CHECK(response.value("connection") == "close");
  CHECK(test::api_error(response).type == "invalid_request_error");
  CHECK(client.read_to_end().empty());
}

}  // namespace

TEST_CASE("requests refused before their head is out are never forwarded: 400 and close") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  for (const RefusedMessage& message : test::refused_request_heads())
    check_refused(proxy, message);
  CHECK(upstream.requests() == 0);
  CHECK(proxy.round_trip(test::get("/after")).body == "ok");
  CHECK(upstream.next_request().target() == "/after");
}

TEST_CASE("requests refused behind their head never become whole: 400 and close") {
  std::atomic<int> whole = 0;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request_head()) {
      try {
        connection.read_rest(*request);
        ++whole;
      } catch (const test::Failure&) {
        return;  // broken off by the proxy
      }
      connection.send(ok);
    }
  });
  const Proxy proxy(upstream);
  for (const RefusedMessage& message : test::refused_request_bodies())
    check_refused(proxy, message);
  CHECK(whole == 0);
  CHECK(proxy.round_trip(test::get("/after")).body == "ok");
}

TEST_CASE_TRANSPORTS("responses refused before their head is out reach nobody: 502") {
  const auto messages = test::refused_response_heads();
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         auto request = connection.read_request();
                         if (!request) return;
                         const size_t index = std::stoul(request->target().substr(1));
                         connection.send(messages.at(index).bytes + "POISON");
                         connection.close();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (size_t i = 0; i < messages.size(); ++i) {
    CAPTURE(messages[i].what);
    const Message response = client.round_trip(test::get("/" + std::to_string(i)));
    CHECK(response.status() == 502);
    CHECK(response.body.find("POISON") == std::string::npos);
    static_cast<void>(test::api_error(response));
    CHECK_FALSE(response.has("connection"));  // the client's connection lives on
  }
}

TEST_CASE_TRANSPORTS("responses refused behind their head are cut, never ended") {
  const auto messages = test::refused_response_bodies();
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         auto request = connection.read_request();
                         if (!request) return;
                         const size_t index = std::stoul(request->target().substr(1));
                         connection.send(messages.at(index).bytes + "POISON");
                         connection.close();
                       });
  const Proxy proxy(upstream);
  for (size_t i = 0; i < messages.size(); ++i) {
    CAPTURE(messages[i].what);
    RawClient client = proxy.client();
    client.send(test::get("/" + std::to_string(i)));
    std::string seen;
    CHECK_THROWS_AS(
        [&] {
          Message response = client.read_response_head();
          if (response.status() != 200) throw test::Truncated("refused at once");
          for (;;) {
            const std::string piece = client.read_body_some(response);
            if (piece.empty()) return;
            seen += piece;
          }
        }(),
        test::Failure);
    CHECK(seen.find("POISON") == std::string::npos);
  }
}
