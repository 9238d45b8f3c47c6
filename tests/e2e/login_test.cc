// Logins that hold for a connection (NTLM): no other client gets that connection.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Fields;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// Takes whoever asks over a connection for who logged in over it, in two steps.
void serve_logins(UpstreamConnection& connection) {
  std::string user = "nobody";
  while (const auto request = connection.read_request()) {
    const std::string login = request->has("authorization") ? request->value("authorization") : "";
    const size_t third = login.find(" 3 ");
    if (third != std::string::npos) user = login.substr(third + 3);
    if (user == "nobody" && login.empty()) {
      connection.send(
          test::message("401 Who", {{"WWW-Authenticate", "Basic realm=\"a\", NTLM"}}, user));
    } else if (user == "nobody") {
      connection.send(test::message("401 Who", {{"WWW-Authenticate", "NTLM challenge"}}, user));
    } else {
      connection.send(
          test::message("200 OK", {{"X-Connection", std::to_string(connection.index())}}, user));
    }
  }
}

std::string ask(RawClient& client, const std::string& login = "") {
  return client
      .round_trip(test::get("/", login.empty() ? Fields{} : Fields{{"Authorization", login}}))
      .body;
}

}  // namespace

TEST_CASE_TRANSPORTS("a login that holds for a connection serves its client, and nobody else") {
  for (const std::string scheme : {"NTLM", "negotiate", "Kerberos"}) {
    CAPTURE(scheme);
    RawUpstream upstream(test::upstream_options(transports.upstream), serve_logins);
    const Proxy proxy(upstream);
    RawClient alice = proxy.client();
    RawClient bob = proxy.client();
    CHECK(ask(alice, scheme + " 1") == "nobody");
    CHECK(ask(bob) == "nobody");
    CHECK(ask(alice, scheme + " 3 alice") == "alice");
    CHECK(ask(alice) == "alice");
    CHECK(ask(bob) == "nobody");
    CHECK(ask(bob, scheme + " 1") == "nobody");
    CHECK(ask(bob, scheme + " 3 bob") == "bob");
    CHECK(ask(alice) == "alice");
    CHECK(ask(bob) == "bob");
    RawClient other = proxy.client();
    CHECK(ask(other) == "nobody");
  }
}

TEST_CASE("a connection with a login ends with its client") {
  RawUpstream upstream(serve_logins);
  const Proxy proxy(upstream);
  RawClient other = proxy.client();
  {
    RawClient alice = proxy.client();
    CHECK(ask(alice, "NTLM 3 alice") == "alice");
    CHECK(upstream.open_connections() == 1);
    alice.close();
  }
  test::eventually("the login is gone", [&] { return upstream.open_connections() == 0; });
  CHECK(ask(other) == "nobody");
}

TEST_CASE("logins give way where connections are scarce, and end with a reload") {
  RawUpstream upstream(serve_logins);
  Proxy proxy(upstream, "upstreams: {openai: {pool: {connections_max: 1}}}\n");
  RawClient alice = proxy.client();
  RawClient bob = proxy.client();
  CHECK(ask(alice, "NTLM 3 alice") == "alice");
  CHECK(ask(bob) == "nobody");
  CHECK(ask(alice) == "nobody");
  CHECK(ask(alice, "NTLM 3 alice") == "alice");
  proxy.reload(upstream.url());
  CHECK(ask(alice) == "nobody");
}

TEST_CASE("a login that the operator keeps from the upstream binds nothing") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream, "headers: {strip_request: [authorization]}\n");
  RawClient alice = proxy.client();
  CHECK(ask(alice, "NTLM 3 alice") == "ok");
  RawClient bob = proxy.client();
  CHECK(ask(bob) == "ok");
  CHECK(upstream.connections() == 1);
}
