// TLS sessions of upstreams: a reload keeps them, but none outlives what it was verified against.
#include <fmt/format.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Proxy;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

RawUpstream::Options tls_upstream(test::TlsVersions versions = test::TlsVersions::both) {
  RawUpstream::Options options = test::upstream_options(test::Transport::tls);
  options.tls->versions = versions;
  return options;
}

std::string upstream_with(std::string_view keys) {
  return fmt::format("upstreams: {{ openai: {{ {} }} }}", keys);
}

// One request, with whose response the tickets come.
void ask(const Proxy& proxy) {
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
}

// Until the connections of the former configuration are gone: the next request dials.
void reload(Proxy& proxy, const RawUpstream& upstream, std::string_view yaml = "") {
  proxy.reload(upstream.url(), yaml);
  test::eventually("the former pool is empty", [&] { return upstream.open_connections() == 0; });
}

// Whether the first handshake under `after` resumes what one under `before` was given.
bool resumes(std::string_view before, std::string_view after) {
  RawUpstream upstream(tls_upstream(), test::serve(ok));
  Proxy proxy(upstream, before);
  ask(proxy);
  reload(proxy, upstream, after);
  ask(proxy);
  CHECK(upstream.connections() == 2);
  return upstream.resumed_handshakes() == 1;
}

}  // namespace

TEST_CASE("an upstream's sessions outlive reloads") {
  test::TlsVersions versions{};
  SUBCASE("TLS 1.2") {
    versions = test::TlsVersions::only_1_2;
  }
  SUBCASE("TLS 1.3") {
    versions = test::TlsVersions::only_1_3;
  }
  RawUpstream upstream(tls_upstream(versions), test::serve(ok));
  Proxy proxy(upstream);
  ask(proxy);
  for (unsigned round = 1; round <= 3; ++round) {
    reload(proxy, upstream);
    ask(proxy);
    CHECK(upstream.connections() == round + 1);
    CHECK(upstream.resumed_handshakes() == round);
  }
}

TEST_CASE("what does not concern trust may change") {
  const test::TemporaryFile file(test::trusted_authority().certificate_pem());
  const std::string tls = fmt::format("tls: {{ ca_file: {} }}", file.path());
  CHECK(resumes(upstream_with(tls), upstream_with(tls + ", pool: { idle_max: 3 }")));
  CHECK(resumes("", "cors: { enabled: false }"));
}

TEST_CASE("no session outlives what its upstream is verified by") {
  const std::string unverified = upstream_with("tls: { verify: false }");
  CHECK_FALSE(resumes("", unverified));
  CHECK_FALSE(resumes(unverified, ""));
  CHECK_FALSE(resumes("", upstream_with("tls: { min_version: '1.3' }")));
  CHECK_FALSE(resumes(upstream_with("tls: { min_version: '1.3' }"), ""));
  CHECK_FALSE(resumes("", upstream_with("host: localhost")));
  CHECK_FALSE(resumes(upstream_with("host: localhost"), ""));
  const test::TemporaryFile copy(test::trusted_authority().certificate_pem());
  CHECK_FALSE(resumes("", upstream_with(fmt::format("tls: {{ ca_file: {} }}", copy.path()))));
}

TEST_CASE("no session outlives the roots in a CA file of the same name") {
  const test::TemporaryFile file(test::trusted_authority().certificate_pem());
  const std::string yaml = upstream_with(fmt::format("tls: {{ ca_file: {} }}", file.path()));
  RawUpstream upstream(tls_upstream(), test::serve(ok));
  Proxy proxy(upstream, yaml);
  ask(proxy);
  const test::Authority other("Other Root");
  SUBCASE("another one besides") {
    test::write_file(file.path(),
                     test::trusted_authority().certificate_pem() + other.certificate_pem());
    reload(proxy, upstream, yaml);
    ask(proxy);
  }
  SUBCASE("another one instead: the upstream is refused at once") {
    test::write_file(file.path(), other.certificate_pem());
    reload(proxy, upstream, yaml);
    CHECK(proxy.round_trip(test::get("/")).status() == 502);
    CHECK(upstream.connections() == 2);
  }
  CHECK(upstream.resumed_handshakes() == 0);
}

TEST_CASE("a reload that is refused leaves the sessions") {
  RawUpstream upstream(tls_upstream(), test::serve(ok));
  Proxy proxy(upstream);
  ask(proxy);
  CHECK_THROWS_AS(proxy.reload("https://127.0.0.1:1", "log: { access: /no/such/folder/log }"),
                  test::Failure);
  reload(proxy, upstream);
  ask(proxy);
  CHECK(upstream.resumed_handshakes() == 1);
}

TEST_CASE("an upstream that was no longer configured begins anew") {
  RawUpstream first(tls_upstream(), test::serve(ok));
  RawUpstream second(tls_upstream(), test::serve(ok));
  Proxy proxy(first);
  ask(proxy);
  proxy.reload(second.url());
  test::eventually("the former pool is empty", [&] { return first.open_connections() == 0; });
  ask(proxy);
  CHECK(second.connections() == 1);
  proxy.reload(first.url());
  test::eventually("the former pool is empty", [&] { return second.open_connections() == 0; });
  ask(proxy);
  CHECK(first.connections() == 2);
  CHECK(first.resumed_handshakes() == 0);
}

TEST_CASE("sessions of where redirects lead outlive a reload, too") {
  RawUpstream target(tls_upstream(), test::serve(ok));
  RawUpstream upstream(tls_upstream(), test::serve([&](const test::Message&) {
                         return test::message("302 Found", {{"Location", target.url() + "/"}});
                       }));
  Proxy proxy(upstream);
  ask(proxy);
  reload(proxy, upstream);
  test::eventually("and so is its other one", [&] { return target.open_connections() == 0; });
  ask(proxy);
  CHECK(target.connections() == 2);
  CHECK(target.resumed_handshakes() == 1);
}
