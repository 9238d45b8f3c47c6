// Upstreams that change for the worse under a proxy that knew them well, and networks that do.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Program;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

// One answer a connection.
void serve_once(UpstreamConnection& connection) {
  if (connection.read_request()) connection.send(ok);
  connection.close();
}

}  // namespace

TEST_CASE("TLS: a certificate that has expired at a reconnect is refused, whatever is remembered") {
  for (const auto versions : {test::TlsVersions::only_1_2, test::TlsVersions::only_1_3}) {
    CAPTURE(static_cast<int>(versions));
    const auto good = test::trusted_authority().issue();
    const auto expired =
        test::trusted_authority().issue({.valid_from_days = -10, .valid_to_days = -1});
    auto options = test::tls_options(good);
    options.tls->versions = versions;
    auto upstream = std::make_unique<RawUpstream>(options, serve_once);
    options.port = upstream->port();
    const Proxy proxy(*upstream);
    RawClient client = proxy.client();
    // The chain is known now, and there is a session to resume.
    for (int i = 0; i < 3; ++i)
      CHECK(client.round_trip(test::get("/")).body == "ok");
    CHECK(upstream->resumed_handshakes() == 2);

    upstream.reset();
    options.tls->certificate_pem = expired.certificate_pem;
    options.tls->key_pem = expired.key_pem;
    upstream = std::make_unique<RawUpstream>(options, serve_once);
    for (int i = 0; i < 2; ++i) {
      const Message refused = client.round_trip(test::get("/"));
      CHECK((refused.status() == 502 || refused.status() == 503));
      CHECK(test::api_error(refused).message.find("expired") == std::string::npos);
    }
    CHECK(upstream->requests() == 0);

    upstream.reset();
    options.tls->certificate_pem = good.certificate_pem;
    options.tls->key_pem = good.key_pem;
    upstream = std::make_unique<RawUpstream>(options, serve_once);
    test::eventually("it serves again",
                     [&] { return client.round_trip(test::get("/")).status() == 200; });
  }
}

TEST_CASE("TLS: an alert instead of a handshake: 502") {
  // handshake_failure, certificate_expired, internal_error; fatal.
  for (const char description : {'\x28', '\x2d', '\x50'}) {
    CAPTURE(static_cast<int>(description));
    RawUpstream upstream([&](UpstreamConnection& connection) {
      if (connection.read_some().empty()) return;
      connection.send(std::string("\x15\x03\x03\x00\x02\x02", 6) + description);
      connection.wait_gone();
    });
    const Proxy proxy("https://" + upstream.authority(), "");
    const Message response = proxy.round_trip(test::post("/", "{}"));
    CHECK(response.status() == 502);
    CHECK(test::api_error(response).message.find("TLS") != std::string::npos);
  }
}

TEST_CASE_TRANSPORTS("an upstream that half-closes: its answer is whole, silence is an error") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         const auto request = connection.read_request();
                         if (!request) return;
                         if (request->target() == "/answer") connection.send(ok);
                         connection.shutdown_write();
                         connection.wait_gone();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 3; ++i) {
    CHECK(client.round_trip(test::post("/answer", "{}")).body == "ok");
    CHECK(client.round_trip(test::post("/silence", "{}")).status() == 502);
  }
}

TEST_CASE_TRANSPORTS("a response that comes a byte at a time is whole") {
  const std::string slow = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                           test::chunk("slow and whole") + std::string(test::last_chunk);
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         while (connection.read_request()) {
                           for (const char byte : slow)
                             connection.send({&byte, 1});
                         }
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 3; ++i)
    CHECK(client.round_trip(test::get("/")).body == "slow and whole");
}

TEST_CASE("a network that swallows every SYN: 504 after timeouts.connect, and nothing is left") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: a network namespace needs root");
    return;
  }
  const test::TemporaryFolder folder;
  const std::string path = folder / "proxy.sock";
  const std::string file = folder / "proxy.yaml";
  std::ofstream(file) << "listen: 'unix:" + path +
                             "'\nworkers: 1\nadmin: { listen: off }\nlog: { access: 'off' }\n"
                             "upstreams: { openai: { url: 'http://192.0.2.9', timeouts: { connect: "
                             "300ms } } }\n";
  // Who is asked for at the other end of this cable never answers.
  const std::string network =
      "ip link set lo up && ip link add v0 type veth peer name v1 && "
      "ip addr add 192.0.2.1/24 dev v0 && ip link set v0 up && ip link set v1 up && "
      "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0";
  if (std::system(("unshare --net sh -c '" + network + "' 2>/dev/null").c_str()) != 0) {
    MESSAGE("skipped: no network namespace, ip(8) or veth here");
    return;
  }
  Program program(folder,
                  {"unshare", "--net", "sh", "-c", network + " && exec \"$0\" \"$@\""},
                  {"--config", file});
  program.wait_for_error("listening on unix:");
  for (int i = 0; i < 3; ++i) {
    RawClient client(test::plain_wire(test::connect_unix(path)));
    const Message response = client.round_trip(test::post("/", "{}"));
    // The later ones meet the back-off.
    CHECK((response.status() == 504 || (i > 0 && response.status() == 503)));
    CHECK_FALSE(test::api_error(response).message.empty());
  }
  const std::string sockets = "/proc/" + std::to_string(program.pid()) + "/net/tcp";
  test::eventually("no socket is left", [&] {
    std::ifstream table(sockets);
    std::string lines((std::istreambuf_iterator<char>(table)), {});
    return !lines.empty() && lines.find("090200C0:") == std::string::npos;
  });
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
}
