// A server's certificates: which one a client is shown, whose certificate a client must show.
#include <ctime>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "tls/random.h"
#include "tls/tls_world.h"

namespace {

using tls_test::client_of;
using tls_test::fixture;
using tls_test::Link;
using tls_test::versions;
using tls_test::World;

test::Credentials leaf(std::vector<std::string> names,
                       test::KeyKind key = test::KeyKind::ecdsa_p256) {
  test::LeafOptions options;
  options.names = std::move(names);
  options.key = key;
  return fixture().authority.issue(options);
}

std::unique_ptr<tls::ServerContext> server_with(tls::ServerOptions options) {
  return std::make_unique<tls::ServerContext>(std::move(options));
}

// Whether a client that demands `name` of the certificate is content with what it is shown.
bool is_shown(tls::ServerContext& server, const std::string& name) {
  World world(1);
  tls::ClientContext client(client_of(name), fixture().roots);
  Link link(world.network, client, server);
  link.read_both();
  world.loop.end_turn();
  return link.client.connected == 1;
}

// A client's own certificate, which ClientContext has no use for.
class ShownCertificate {
 public:
  explicit ShownCertificate(const test::Credentials& credentials) {
    mbedtls_x509_crt_init(&certificate_);
    mbedtls_pk_init(&key_);
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<const unsigned char*>(text.c_str());
    };
    REQUIRE(mbedtls_x509_crt_parse(&certificate_,
                                   bytes(credentials.certificate_pem),
                                   credentials.certificate_pem.size() + 1) == 0);
    REQUIRE(mbedtls_pk_parse_key(&key_,
                                 bytes(credentials.key_pem),
                                 credentials.key_pem.size() + 1,
                                 nullptr,
                                 0,
                                 tls::random_bytes,
                                 nullptr) == 0);
  }
  ~ShownCertificate() {
    mbedtls_pk_free(&key_);
    mbedtls_x509_crt_free(&certificate_);
  }
  ShownCertificate(const ShownCertificate&) = delete;
  ShownCertificate& operator=(const ShownCertificate&) = delete;
  ShownCertificate(ShownCertificate&&) = delete;
  ShownCertificate& operator=(ShownCertificate&&) = delete;

  void show_by(tls::ClientContext& client) {
    auto* config = const_cast<mbedtls_ssl_config*>(&client.config());
    REQUIRE(mbedtls_ssl_conf_own_cert(config, &certificate_, &key_) == 0);
  }

 private:
  mbedtls_x509_crt certificate_;
  mbedtls_pk_context key_;
};

TEST_CASE("names find their certificate: exact before wildcard, else the first one's") {
  const std::vector<test::Credentials> leaves = {leaf({"first.example"}),
                                                 leaf({"a.example", "*.wild.example"}),
                                                 leaf({"deep.wild.example"}),
                                                 leaf({"first.example", "other.example"})};
  const auto certificates = tls_test::certificates_of(leaves);
  using Found = std::vector<size_t>;
  CHECK(certificates->find("a.example") == Found{1});
  CHECK(certificates->find("A.Example") == Found{1});
  CHECK(certificates->find("any.wild.example") == Found{1});
  CHECK(certificates->find("deep.wild.example") == Found{2});
  CHECK(certificates->find("two.labels.wild.example") == Found{0, 3});
  CHECK(certificates->find("wild.example") == Found{0, 3});
  CHECK(certificates->find(".wild.example") == Found{0, 3});
  CHECK(certificates->find("*.wild.example") == Found{1});
  CHECK(certificates->find("first.example") == Found{0, 3});
  CHECK(certificates->find("other.example") == Found{3});
  CHECK(certificates->find("unknown.example") == Found{0, 3});
  CHECK(certificates->find("") == Found{0, 3});
}

TEST_CASE("a client is shown the certificate of the name it asks for") {
  for (const tls::Version version : versions) {
    CAPTURE(static_cast<int>(version));
    const std::vector<test::Credentials> leaves = {leaf({"one.example", "127.0.0.1"}),
                                                   leaf({"*.two.example"}, test::KeyKind::rsa_2048),
                                                   leaf({"x.two.example"})};
    const auto server =
        server_with({.certificates = tls_test::certificates_of(leaves), .max_version = version});
    for (const char* name : {"one.example", "y.two.example", "x.two.example"}) {
      CAPTURE(name);
      CHECK(is_shown(*server, name));
    }
    CHECK(is_shown(*server, "127.0.0.1"));  // sends no name: the first
    CHECK(!is_shown(*server, "three.example"));
  }
}

TEST_CASE("one name, an ECDSA and an RSA certificate: clients of either kind are served") {
  const std::vector<test::Credentials> leaves = {leaf({"localhost"}, test::KeyKind::rsa_2048),
                                                 leaf({"localhost"})};
  constexpr int rsa_suite[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0};
  constexpr int ecdsa_suite[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
  for (const int* suites : {rsa_suite, ecdsa_suite}) {
    World world(1);
    const auto server = server_with(
        {.certificates = tls_test::certificates_of(leaves), .max_version = tls::Version::tls12});
    mbedtls_ssl_conf_ciphersuites(const_cast<mbedtls_ssl_config*>(&world.client.config()), suites);
    Link link(world.network, world.client, *server);
    link.read_both();
    world.loop.end_turn();
    CHECK(link.client.connected == 1);
    CHECK(link.server.connected == 1);
  }
}

TEST_CASE("ALPN: whatever is common is taken, http/1.1 first; nothing in common has its alert") {
  const struct {
    std::vector<const char*> offered;
    const char* taken;  // null: refused
  } cases[] = {
      {{"http/1.1"}, "http/1.1"},
      {{"h2", "http/1.1"}, "http/1.1"},
      {{"http/1.0"}, "http/1.0"},
      {{"http/1.0", "http/1.1"}, "http/1.1"},
      {{"spdy/1", "http/1.0"}, "http/1.0"},
      {{"h2"}, nullptr},
      {{"acme-tls/1"}, nullptr},
  };
  for (const tls::Version version : versions) {
    for (const auto& one : cases) {
      World world(1, version);
      std::vector<const char*> offered = one.offered;
      CAPTURE(offered.front());
      offered.push_back(nullptr);
      auto* config = const_cast<mbedtls_ssl_config*>(&world.client.config());
      REQUIRE(mbedtls_ssl_conf_alpn_protocols(config, offered.data()) == 0);
      Link link(world.network, world.client, *world.server);
      link.read_both();
      world.loop.end_turn();
      CHECK(link.client.connected == (one.taken != nullptr ? 1 : 0));
      CHECK(link.server.connected == link.client.connected);
      if (one.taken == nullptr) {
        CHECK(tls::error_text(*link.client.error).find("alert 120") != std::string::npos);
      }
    }
  }
}

// Made with `openssl req -x509 -newkey ed25519` and `openssl genpkey -algorithm ed25519`; no
// secrets.
constexpr const char* ed25519_certificate = R"(-----BEGIN CERTIFICATE-----
MIIBLjCB4aADAgECAhQukSEjuks1Yv4Np/6VWsVcUlFa8TAFBgMrZXAwDDEKMAgG
A1UEAwwBZTAgFw0yNjExMjgxNDA5NDBaGA8yMTI2MTEwNDE0MDk0MFowDDEKMAgG
A1UEAwwBZTAqMAUGAytlcAMhAAK68+rB0E30S4fD317stngOtrP9ZRDDrjFo6ZBL
I0Duo1MwUTAdBgNVHQ4EFgQUuDWpZ2/flBQLTgj+lDsSBsufxGMwHwYDVR0jBBgw
FoAUuDWpZ2/flBQLTgj+lDsSBsufxGMwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQAUo92HlROL2lSQH/AwcyaLjLp5H8ISKrTG1eGTHyNBScQAA7qAgeeNM6JGX/Lq
O7+DzAGbB0RcB/8jv2wR9dQC
-----END CERTIFICATE-----
)";
constexpr const char* ed25519_key = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIMX0YhExRQs2R2mZ0FM7eB9e/xzvrbNUmUZrBfcvOEED
-----END PRIVATE KEY-----
)";
constexpr const char* encrypted_key =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";

TEST_CASE("PEM files are taken with any line ends, a byte order mark, and blanks") {
  const test::Credentials good = leaf({"good.example"});
  const auto with_line_ends = [](const std::string& text, const std::string& end) {
    std::string changed;
    for (const char c : text)
      changed += c == '\n' ? end : std::string(1, c);
    return changed;
  };
  for (const char* end : {"\r\n", "\r", " \n", "\n"}) {
    const tls::CertificatePem pem{"\xef\xbb\xbf" + with_line_ends(good.certificate_pem, end),
                                  "\xef\xbb\xbf" + with_line_ends(good.key_pem, end)};
    CHECK(static_cast<bool>(tls::ServerCertificates::from_pem({&pem, 1})));
  }
}

TEST_CASE("what clients are going to refuse in a certificate is known beforehand") {
  constexpr int64_t day_s = 24 * 60 * 60;
  const int64_t now_s = std::time(nullptr);
  const auto facts_of = [](const test::Credentials& credentials) {
    return tls_test::certificates_of({&credentials, 1})->facts().at(0);
  };
  tls::CertificateFacts facts = facts_of(leaf({"good.example"}));
  CHECK(facts.name == "good.example");
  CHECK(facts.faults.empty());
  CHECK(facts.not_after_s > now_s + 29 * day_s);
  CHECK(facts.not_after_s < now_s + 31 * day_s);
  CHECK(tls::time_trouble(facts, now_s).empty());
  CHECK(tls::time_trouble(facts, facts.not_after_s - 20 * day_s).find("in 20 days") !=
        std::string::npos);
  CHECK(tls::time_trouble(facts, facts.not_after_s + 1).find("expired on") != std::string::npos);
  CHECK(tls::time_trouble(facts, facts.not_before_s - 1).find("clock") != std::string::npos);

  test::Credentials disorderly = leaf({"good.example"});
  disorderly.certificate_pem += leaf({"other.example"}).certificate_pem;
  facts = facts_of(disorderly);
  REQUIRE(facts.faults.size() == 1);
  CHECK(facts.faults.front().find("out of order") != std::string::npos);
}

TEST_CASE("what is wrong with a certificate is told, and with which") {
  const test::Credentials good = leaf({"good.example"});
  const test::Credentials other = leaf({"other.example"});
  const tls::CertificatePem fine{good.certificate_pem, good.key_pem};
  const struct {
    tls::CertificatePem pem;
    const char* why;
  } cases[] = {
      {{"", good.key_pem}, "the certificate is empty"},
      {{" \r\n", good.key_pem}, "the certificate is empty"},
      {{"no PEM", good.key_pem}, "the certificate holds no certificate"},
      {{good.key_pem, good.key_pem}, "the certificate holds a private key"},
      {{good.key_pem, good.certificate_pem}, "swapped"},
      {{"\x30\x82\x01\x02", good.key_pem}, "the certificate is in DER"},
      {{"\xff\xfe-", good.key_pem}, "UTF-16"},
      {{"-----BEGIN CERTIFICATE REQUEST-----", good.key_pem}, "a CA has yet to sign"},
      {{good.certificate_pem.substr(0, 100), good.key_pem}, "the certificate breaks off"},
      {{ed25519_certificate, good.key_pem}, "Ed25519"},
      {{good.certificate_pem, ""}, "the private key is empty"},
      {{good.certificate_pem, good.certificate_pem}, "the private key holds a certificate"},
      {{good.certificate_pem, good.key_pem.substr(0, 100)}, "the private key breaks off"},
      {{good.certificate_pem, "\x30\x81\x77\x02"}, "the private key is in DER"},
      {{good.certificate_pem, encrypted_key}, "the private key is encrypted"},
      {{good.certificate_pem, ed25519_key}, "Ed25519"},
      {{good.certificate_pem, "-----BEGIN PUBLIC KEY-----"}, "a public key"},
      {{good.certificate_pem, other.key_pem}, "does not belong"},
      {{other.certificate_pem + good.certificate_pem, good.key_pem}, "in the wrong order"},
  };
  for (const auto& one : cases) {
    const tls::CertificatePem pems[] = {fine, one.pem};
    const auto loaded = tls::ServerCertificates::from_pem(pems);
    REQUIRE(!loaded);
    CHECK(loaded.error().index == 1);
    CAPTURE(loaded.error().why);
    CHECK(loaded.error().why.find(one.why) != std::string::npos);
  }
}

TEST_CASE("with client_ca only who shows a certificate of it gets in, and nobody resumes") {
  const test::Authority stranger("Stranger Root");
  test::LeafOptions expired;
  expired.valid_from_days = -30;
  expired.valid_to_days = -1;
  const struct {
    const char* what;
    std::optional<test::Credentials> shown;
    bool welcome;
  } cases[] = {
      {"none", std::nullopt, false},
      {"good", fixture().authority.issue(), true},
      {"of a stranger", stranger.issue(), false},
      {"expired", fixture().authority.issue(expired), false},
      {"self-signed", test::self_signed(), false},
  };
  for (const tls::Version version : versions) {
    for (const auto& one : cases) {
      CAPTURE(one.what);
      CAPTURE(static_cast<int>(version));
      World world(1);
      const auto server =
          server_with({.certificates = tls_test::certificates_of({&fixture().leaf, 1}),
                       .client_ca = fixture().roots,
                       .max_version = version});
      std::optional<ShownCertificate> shown;
      if (one.shown) shown.emplace(*one.shown).show_by(world.client);
      for (int i = 0; i < 2; ++i) {
        Link link(world.network, world.client, *server);
        link.read_both();
        world.loop.end_turn();
        CHECK(link.server.connected == (one.welcome ? 1 : 0));
        CHECK(link.server.error.has_value() == !one.welcome);
      }
      CHECK(server->handshakes().full == (one.welcome ? 2 : 0));
      CHECK(server->handshakes().failed == (one.welcome ? 0 : 2));
      CHECK(server->handshakes().resumed == 0);
    }
  }
}

TEST_CASE("a session from before client_ca was asked for lets nobody in") {
  for (const tls::Version version : versions) {
    World world(1, version);
    const auto keys = std::make_shared<tls::TicketKeys>();
    const auto certificates = tls_test::certificates_of({&fixture().leaf, 1});
    const auto open =
        server_with({.certificates = certificates, .max_version = version, .ticket_keys = keys});
    const auto strict = server_with({.certificates = certificates,
                                     .client_ca = fixture().roots,
                                     .max_version = version,
                                     .ticket_keys = keys});
    for (auto* server : {open.get(), strict.get()}) {
      Link link(world.network, world.client, *server);
      link.read_both();
      world.loop.end_turn();
      CHECK(link.server.connected == (server == open.get() ? 1 : 0));
    }
    CHECK(strict->handshakes().failed == 1);
  }
}

TEST_CASE("the server knows which handshakes resumed, and tells its listener") {
  for (const tls::Version version : versions) {
    CAPTURE(static_cast<int>(version));
    World world(1);
    std::vector<tls::HandshakeEnd> heard;
    const auto server =
        server_with({.certificates = tls_test::certificates_of({&fixture().leaf, 1}),
                     .max_version = version,
                     .on_handshake = [&](tls::HandshakeEnd end) {
                       heard.push_back(end);
                     }});
    for (int i = 0; i < 3; ++i) {
      Link link(world.network, world.client, *server);
      link.read_both();
      world.loop.end_turn();
      REQUIRE(link.server.connected == 1);
      CHECK(link.server_stream->resumed() == (i > 0));
    }
    using End = tls::HandshakeEnd;
    CHECK(heard == std::vector<End>{End::full, End::resumed, End::resumed});
  }
}

TEST_CASE("a context that was replaced lives as long as its streams") {
  World world(1);
  std::shared_ptr<tls::ServerContext> server = tls_test::server_of(fixture().leaf);
  const std::weak_ptr<tls::ServerContext> alive = server;
  {
    Link link(world.network, world.client);
    link.server_stream = std::make_unique<tls::TlsStream>(
        world.loop, link.take_accepted(), std::move(server), Link::handshake_timeout_ms);
    link.server_stream->set_listener(link.server);
    link.read_both();
    world.loop.end_turn();
    CHECK(link.server.connected == 1);
    CHECK(!alive.expired());
    static_cast<void>(tls_test::write_text(*link.server_stream, "still here"));
    world.loop.end_turn();
    CHECK(link.client.received == "still here");
  }
  world.loop.end_turn();
  CHECK(alive.expired());
}

}  // namespace
