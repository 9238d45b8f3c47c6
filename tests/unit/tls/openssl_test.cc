// TlsStream over real sockets against OpenSSL: what our own server side would forgive, it does not.
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "net/name_service.h"
#include "net/resolver.h"
#include "net/tcp.h"
#include "net/uv_loop.h"
#include "support/files.h"
#include "tls/openssl_server.h"
#include "tls/suites.h"
#include "tls/tls_world.h"

namespace {

using test::Credentials;
using test::KeyKind;
using test::LeafOptions;
using tls_test::write_text;

constexpr uint64_t patience_ms = 20'000;

const char* flag_of(tls::Version version) {
  return version == tls::Version::tls12 ? "-tls1_2" : "-tls1_3";
}

// A client of ours, connected to a port of this machine.
class Client {
 public:
  tls_test::Recorder heard;
  std::unique_ptr<tls::TlsStream> stream;

  Client(net::UvLoop& loop, net::Resolver& resolver, tls::ClientContext& context, uint16_t port)
      : loop_(loop) {
    auto tcp = net::Tcp::connect(loop, resolver, {"127.0.0.1", port, 5000}, heard);
    stream = std::make_unique<tls::TlsStream>(
        loop, std::move(tcp), tls::TransportState::connecting, context, 5000);
    stream->set_listener(heard);
    stream->set_reading(true);
  }

  // Turns the loop until `done`; false when patience ends.
  template <class Done>
  bool until(Done done) {
    bool late = false;
    net::Deadline deadline(
        loop_.timers(), &late, [](void* flag) { *static_cast<bool*>(flag) = true; });
    deadline.set(patience_ms);
    while (!done() && !late)
      loop_.run_once();
    return !late;
  }
  bool until_connected() {
    return until([&] { return heard.connected == 1 || heard.error.has_value(); }) &&
           heard.connected == 1;
  }
  bool until_over() {
    return until([&] { return heard.read_end.has_value() || heard.error.has_value(); });
  }

 private:
  net::UvLoop& loop_;
};

struct Place {
  net::UvLoop loop;
  net::NameService names;
  net::Resolver resolver{loop, names};
  tls::ClientContext context{tls_test::client_of(), tls_test::fixture().roots};
};

TEST_CASE("OpenSSL: a big download, whole and cleanly ended; the next connection resumes") {
  const std::string body = tls_test::pattern(5'000'000, 1);
  const test::TemporaryFile file(body);
  const std::string name = file.path().substr(file.path().rfind('/'));
  for (const tls::Version version : tls_test::versions) {
    CAPTURE(flag_of(version));
    Place place;
    const tls_test::OpensslServer server(tls_test::fixture().leaf, {flag_of(version), "-HTTP"});
    for (int round = 0; round < 3; ++round) {
      Client client(place.loop, place.resolver, place.context, server.port());
      REQUIRE(client.until_connected());
      REQUIRE(client.stream->resumed() == (round > 0));
      static_cast<void>(write_text(*client.stream, "GET " + name + " HTTP/1.0\r\n\r\n"));
      REQUIRE(client.until_over());
      REQUIRE(client.heard.read_end == net::ReadEnd::clean);
      REQUIRE(client.heard.received == body);
    }
    REQUIRE(place.context.handshakes().resumed == 2);
  }
}

TEST_CASE("OpenSSL: writes of all sizes arrive in order") {
  for (const tls::Version version : tls_test::versions) {
    Place place;
    const tls_test::OpensslServer server(tls_test::fixture().leaf, {flag_of(version), "-rev"});
    Client client(place.loop, place.resolver, place.context, server.port());
    REQUIRE(client.until_connected());
    std::string expected;
    for (const size_t size : {1U, 2U, 15U, 16U, 17U, 300U, 4000U}) {
      std::string line;
      for (size_t i = 0; i < size; ++i)
        line += static_cast<char>('a' + (i * 7 + size) % 26);
      // In three pieces, as heads and bodies come.
      const std::string_view text(line);
      const base::Bytes pieces[] = {base::as_bytes(text.substr(0, size / 3)),
                                    base::as_bytes(text.substr(size / 3)),
                                    base::as_bytes("\n")};
      static_cast<void>(client.stream->write(pieces));
      expected.append(line.rbegin(), line.rend());
      expected += '\n';
      REQUIRE(client.until([&] { return client.heard.received.size() >= expected.size(); }));
      REQUIRE(client.heard.received == expected);
    }
  }
}

TEST_CASE("OpenSSL: only the cipher we prefer, only a group it prefers") {
  for (const std::string group : {"X25519", "P-256", "P-384"}) {
    for (const std::string suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
      CAPTURE(group);
      CAPTURE(suite);
      Place place;
      const tls_test::OpensslServer server(
          tls_test::fixture().leaf, {"-tls1_3", "-groups", group, "-ciphersuites", suite, "-rev"});
      Client client(place.loop, place.resolver, place.context, server.port());
      REQUIRE(client.until_connected());
      static_cast<void>(write_text(*client.stream, "abc\n"));
      REQUIRE(client.until([&] { return client.heard.received == "cba\n"; }));
    }
  }
}

TEST_CASE("OpenSSL: each cipher of TLS 1.2, with either kind of key") {
  LeafOptions options;
  options.key = KeyKind::rsa_2048;
  const Credentials rsa_leaf = tls_test::fixture().authority.issue(options);
  for (const std::string key : {"ECDSA", "RSA"}) {
    for (const std::string cipher :
         {"AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"}) {
      const std::string suite = "ECDHE-" + key + "-" + cipher;
      CAPTURE(suite);
      Place place;
      const tls_test::OpensslServer server(key == "RSA" ? rsa_leaf : tls_test::fixture().leaf,
                                           {"-tls1_2", "-cipher", suite, "-rev"});
      Client client(place.loop, place.resolver, place.context, server.port());
      REQUIRE(client.until_connected());
      static_cast<void>(write_text(*client.stream, "abc\n"));
      REQUIRE(client.until([&] { return client.heard.received == "cba\n"; }));
    }
  }
}

TEST_CASE("OpenSSL: a server without a wish of its own gets the cipher that is fast here") {
  const bool aes_first = tls::aes_gcm_is_fast();
  const std::pair<tls::Version, std::string> expected[] = {
      {tls::Version::tls12,
       aes_first ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "ECDHE-ECDSA-CHACHA20-POLY1305"},
      {tls::Version::tls13, aes_first ? "TLS_AES_128_GCM_SHA256" : "TLS_CHACHA20_POLY1305_SHA256"}};
  for (const auto& [version, suite] : expected) {
    Place place;
    const tls_test::OpensslServer server(tls_test::fixture().leaf, {flag_of(version)});
    Client client(place.loop, place.resolver, place.context, server.port());
    REQUIRE(client.until_connected());
    REQUIRE(server.wait_for_line("CIPHER is ") == suite);
  }
}

TEST_CASE("OpenSSL: a server that asks for a client certificate gets none and goes on") {
  for (const tls::Version version : tls_test::versions) {
    Place place;
    const tls_test::OpensslServer server(tls_test::fixture().leaf,
                                         {flag_of(version), "-rev", "-verify", "1"});
    Client client(place.loop, place.resolver, place.context, server.port());
    REQUIRE(client.until_connected());
    static_cast<void>(write_text(*client.stream, "abc\n"));
    REQUIRE(client.until([&] { return client.heard.received == "cba\n"; }));
  }
}

TEST_CASE("OpenSSL: renegotiation is refused, and said") {
  Place place;
  const tls_test::OpensslServer server(tls_test::fixture().leaf, {"-tls1_2"});
  Client client(place.loop, place.resolver, place.context, server.port());
  REQUIRE(client.until_connected());
  server.type("a line for you\n");
  REQUIRE(client.until([&] { return client.heard.received == "a line for you\n"; }));
  server.type("R\n");
  server.type("another\n");
  REQUIRE(client.until_over());
}

TEST_CASE("OpenSSL: a stream lives through key updates, asked for in return or not") {
  for (const char* command : {"k\n", "K\n"}) {
    for (const char* suite :
         {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
      CAPTURE(command);
      CAPTURE(suite);
      Place place;
      const tls_test::OpensslServer server(tls_test::fixture().leaf,
                                           {"-tls1_3", "-ciphersuites", suite});
      Client client(place.loop, place.resolver, place.context, server.port());
      REQUIRE(client.until_connected());
      std::string expected;
      for (int i = 0; i < 3; ++i) {
        expected += "a line for you\n";
        server.type("a line for you\n");
        REQUIRE(client.until([&] { return client.heard.received == expected; }));
        server.type(command);
        // It looks for commands first, one for each block it reads: what it prints comes after.
        static_cast<void>(write_text(*client.stream, "a line for it\n"));
        static_cast<void>(server.wait_for_line("a line for it"));
      }
    }
  }
}

TEST_CASE("OpenSSL: certificates of more than a record's and than 64 KiB, and no longer ones") {
  const struct {
    size_t names;
    bool works;
  } cases[] = {{700, true}, {2000, true}, {3000, false}};
  for (const auto& one : cases) {
    LeafOptions options;
    for (size_t i = 0; i < one.names; ++i)
      options.names.push_back(fmt::format("host-{:05}.tenant-of-ours.example.com", i));
    const Credentials long_leaf = tls_test::fixture().authority.issue(options);
    for (const tls::Version version : tls_test::versions) {
      CAPTURE(one.names);
      Place place;
      const tls_test::OpensslServer server(long_leaf, {flag_of(version), "-rev"});
      Client client(place.loop, place.resolver, place.context, server.port());
      REQUIRE(client.until_connected() == one.works);
      if (!one.works) {
        REQUIRE(tls::error_text(*client.heard.error).find("100 KiB") != std::string::npos);
        continue;
      }
      static_cast<void>(write_text(*client.stream, "abc\n"));
      REQUIRE(client.until([&] { return client.heard.received == "cba\n"; }));
    }
  }
}

TEST_CASE("OpenSSL: a killed server is a truncation or a reset, never a clean end") {
  Place place;
  auto server = std::make_unique<tls_test::OpensslServer>(tls_test::fixture().leaf,
                                                          std::vector<std::string>{"-tls1_3"});
  Client client(place.loop, place.resolver, place.context, server->port());
  REQUIRE(client.until_connected());
  server.reset();
  REQUIRE(client.until_over());
  REQUIRE(client.heard.read_end != net::ReadEnd::clean);
}

}  // namespace
