// What a client is told when the upstream fails before a response head.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

// An error of ours: readable for SDKs and for pages.
void check_is_ours(const Message& response, int status) {
  CHECK(response.status() == status);
  CHECK(response.value("access-control-allow-origin") == "*");
  CHECK_FALSE(response.value("x-request-id").empty());
  const test::ApiError error = test::api_error(response);
  CHECK_FALSE(error.message.empty());
  CHECK_FALSE(error.type.empty());
}

// Where nobody listens any more.
std::string refusing_url() {
  test::ListeningSocket socket;
  return "http://127.0.0.1:" + std::to_string(socket.port());
}

}  // namespace

TEST_CASE("a refused connection: 502 that may be retried") {
  const Proxy proxy(refusing_url(), "");
  for (int i = 0; i < 4; ++i) {  // the later ones meet the back-off
    const Message response = proxy.round_trip(test::post("/", "{}"));
    CHECK((response.status() == 502 || response.status() == 503));
    check_is_ours(response, response.status());
    CHECK_FALSE(response.value("retry-after").empty());
  }
}

TEST_CASE("an upstream that comes back is used again") {
  uint16_t port = 0;
  {
    const test::ListeningSocket socket;
    port = socket.port();
  }
  const Proxy proxy("http://127.0.0.1:" + std::to_string(port), "");
  CHECK(proxy.round_trip(test::get("/")).status() / 100 == 5);
  RawUpstream::Options options;
  options.port = port;
  RawUpstream upstream(options, test::serve(ok));
  test::eventually("served", [&] { return proxy.round_trip(test::get("/")).status() == 200; });
}

TEST_CASE("a name that does not resolve: 502") {
  const Proxy proxy("http://no-such-name.invalid", "");
  check_is_ours(proxy.round_trip(test::get("/")), 502);
}

TEST_CASE("a black hole: 504 after timeouts.connect") {
  // A full backlog leaves further SYNs unanswered.
  test::ListeningSocket hole("127.0.0.1", 0);
  std::vector<std::unique_ptr<test::Socket>> filling;
  test::ConnectOptions at_once;
  at_once.timeout = std::chrono::milliseconds(100);
  bool full = false;
  for (int i = 0; i < 16 && !full; ++i) {
    try {
      filling.push_back(test::connect_tcp("127.0.0.1", hole.port(), at_once));
    } catch (const test::TimedOut&) {
      full = true;
    }
  }
  REQUIRE(full);
  const Proxy proxy("http://127.0.0.1:" + std::to_string(hole.port()),
                    "upstreams: { openai: { timeouts: { connect: 300ms } } }");
  const Message response = proxy.round_trip(test::get("/"));
  check_is_ours(response, 504);
}

TEST_CASE("an upstream that never shakes hands: 504 after timeouts.tls_handshake") {
  RawUpstream upstream([](UpstreamConnection& connection) { connection.wait_gone(); });
  const Proxy proxy("https://" + upstream.authority(),
                    "upstreams: { openai: { timeouts: { tls_handshake: 300ms } } }");
  check_is_ours(proxy.round_trip(test::get("/")), 504);
}

TEST_CASE("an upstream that does not speak TLS: 502") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    connection.wait_gone();
  });
  const Proxy proxy("https://" + upstream.authority(), "");
  check_is_ours(proxy.round_trip(test::get("/")), 502);
}

TEST_CASE("certificates that cannot be trusted: 502 that says no more than that") {
  const test::Authority unknown("Unknown Root");
  struct Case {
    std::string what;
    test::Credentials credentials;
  };
  const Case cases[] = {
      {"unknown authority", unknown.issue()},
      {"expired", test::trusted_authority().issue({.valid_from_days = -10, .valid_to_days = -1})},
      {"not yet valid",
       test::trusted_authority().issue({.valid_from_days = 5, .valid_to_days = 30})},
      {"wrong name", test::trusted_authority().issue({.names = {"other.test"}})},
      {"self-signed", test::self_signed()},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    RawUpstream upstream(test::tls_options(c.credentials), test::serve(ok));
    {
      const Proxy proxy(upstream);
      const Message response = proxy.round_trip(test::get("/"));
      check_is_ours(response, 502);
      CHECK(response.body.find("upstream TLS failed") != std::string::npos);
      for (const char* secret : {"other.test", "Unknown Root", "127.0.0.1", "expired"}) {
        CHECK(response.body.find(secret) == std::string::npos);
      }
      CHECK(upstream.requests() == 0);
    }
    const Proxy trusting(upstream, "upstreams: { openai: { tls: { verify: false } } }");
    CHECK(trusting.round_trip(test::get("/")).status() == 200);
  }
}

TEST_CASE("an RSA certificate is fine") {
  RawUpstream upstream(
      test::tls_options(test::trusted_authority().issue({.key = test::KeyKind::rsa_2048})),
      test::serve(ok));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("TLS versions: 1.2 and 1.3 work, min_version is kept to") {
  for (const auto versions : {test::TlsVersions::only_1_2, test::TlsVersions::only_1_3}) {
    auto options = test::upstream_options(test::Transport::tls);
    options.tls->versions = versions;
    RawUpstream upstream(options, test::serve(ok));
    const Proxy proxy(upstream);
    CHECK(proxy.round_trip(test::get("/")).body == "ok");
    const Proxy strict(upstream, "upstreams: { openai: { tls: { min_version: '1.3' } } }");
    const int expected = versions == test::TlsVersions::only_1_3 ? 200 : 502;
    CHECK(strict.round_trip(test::get("/")).status() == expected);
  }
}

TEST_CASE_TRANSPORTS("a connection that ends without an answer: 502") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           reset ? connection.reset() : connection.close();
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    check_is_ours(client.round_trip(test::get("/")), 502);
    check_is_ours(client.round_trip(test::get("/")), 502);  // the client's connection lives on
  }
}

TEST_CASE_TRANSPORTS("answers that are not HTTP: 502") {
  for (const std::string answer :
       {"SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\nX: bare line feeds\n\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n"}) {
    CAPTURE(answer);
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (!connection.read_request()) return;
                           connection.send(answer);
                           connection.wait_gone();
                         });
    const Proxy proxy(upstream);
    check_is_ours(proxy.round_trip(test::get("/")), 502);
  }
}

TEST_CASE("a response head beyond the limit: 502") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    try {
      connection.send("HTTP/1.1 200 OK\r\nX-Big: " + std::string(1 << 20, 'x'));
    } catch (const test::Reset&) {
      return;  // the proxy need not read it all
    }
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  check_is_ours(proxy.round_trip(test::get("/")), 502);
}

TEST_CASE("a 101 that nobody asked for: 502") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  check_is_ours(proxy.round_trip(test::get("/")), 502);
}

TEST_CASE_TRANSPORTS("no answer in time: 504 after timeouts.first_byte") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         if (connection.read_request()) connection.wait_gone();
                       });
  const Proxy proxy(upstream, "upstreams: { openai: { timeouts: { first_byte: 300ms } } }");
  const Message response = proxy.round_trip(test::get("/"));
  check_is_ours(response, 504);
  CHECK(upstream.requests() == 1);
}

TEST_CASE("silence inside a response cuts it after timeouts.silence") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk("x"));
    connection.wait_gone();
  });
  const Proxy proxy(upstream, "upstreams: { openai: { timeouts: { silence: 300ms } } }");
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  CHECK(client.read_body_until(response, "x") == "x");
  CHECK_THROWS_AS(client.read_rest(response), test::Failure);
}

TEST_CASE("an address that refuses does not hide another that serves") {
  // `localhost` is ::1 and 127.0.0.1; only the latter serves.
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy("http://localhost:" + std::to_string(upstream.port()), "");
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("an IPv6 upstream") {
  auto options = test::upstream_options(test::Transport::tls);
  options.host = "::1";
  RawUpstream upstream(options, test::serve(ok));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.next_request().value("host") == upstream.authority());
}
