// Which handshakes succeed, why others do not, and what is remembered for the next one.
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "tls/tls_world.h"

namespace {

using tls_test::Link;
using tls_test::versions;
using tls_test::World;
using tls_test::write_text;

// What the client hears when it connects to a server with these credentials.
base::Error refusal(const test::Credentials& credentials,
                    const tls::ClientOptions& options,
                    tls::Version version) {
  World world(1);
  tls::ClientContext client(options, tls_test::fixture().roots);
  const auto server = tls_test::server_of(credentials, version);
  Link link(world.network, client, *server);
  link.read_both();
  world.loop.end_turn();
  REQUIRE(link.client.connected == 0);
  REQUIRE(link.client.error.has_value());
  REQUIRE(client.handshakes().failed == 1);
  REQUIRE(client.sessions().size() == 0);
  return *link.client.error;
}

bool accepted(const test::Credentials& credentials, const tls::ClientOptions& options) {
  World world(1);
  tls::ClientContext client(options, tls_test::fixture().roots);
  const auto server = tls_test::server_of(credentials);
  Link link(world.network, client, *server);
  link.read_both();
  world.loop.end_turn();
  return link.client.connected == 1 && !link.client.error.has_value();
}

TEST_CASE("a certificate that must not pass is refused with its reason") {
  const test::Authority& good = tls_test::fixture().authority;
  const test::Authority stranger("Stranger Root");
  test::LeafOptions expired;
  expired.valid_from_days = -30;
  expired.valid_to_days = -1;
  test::LeafOptions future;
  future.valid_from_days = 1;
  test::LeafOptions other_name;
  other_name.names = {"other.example"};
  const struct {
    const char* what;
    test::Credentials credentials;
    uint32_t flags;
    const char* text;
  } cases[] = {
      {"expired", good.issue(expired), MBEDTLS_X509_BADCERT_EXPIRED, "expired"},
      {"future", good.issue(future), MBEDTLS_X509_BADCERT_FUTURE, "not valid yet"},
      {"name", good.issue(other_name), MBEDTLS_X509_BADCERT_CN_MISMATCH, "wrong name"},
      {"unknown CA", stranger.issue(), MBEDTLS_X509_BADCERT_NOT_TRUSTED, "unknown CA"},
      {"self-signed", test::self_signed(), MBEDTLS_X509_BADCERT_NOT_TRUSTED, "unknown CA"},
  };
  for (const auto& one : cases) {
    for (const tls::Version version : versions) {
      CAPTURE(one.what);
      const base::Error error = refusal(one.credentials, tls_test::client_of(), version);
      REQUIRE(error.code == base::Code::certificate);
      REQUIRE(error.side == base::Side::upstream);
      REQUIRE(static_cast<uint32_t>(error.raw) == one.flags);
      REQUIRE(tls::error_text(error) == one.text);
      // The same server is fine for who asks for no verification.
      REQUIRE(accepted(one.credentials, tls_test::client_of("localhost", tls::Verify::none)));
    }
  }
}

// What is written to stderr while it lives.
class CapturedLog {
 public:
  CapturedLog() : file_(std::tmpfile()), stderr_(dup(STDERR_FILENO)) {
    REQUIRE(file_ != nullptr);
    REQUIRE(dup2(fileno(file_), STDERR_FILENO) >= 0);
  }
  ~CapturedLog() {
    dup2(stderr_, STDERR_FILENO);
    ::close(stderr_);
    std::fclose(file_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  CapturedLog(CapturedLog&&) = delete;
  CapturedLog& operator=(CapturedLog&&) = delete;

  [[nodiscard]] std::vector<std::string> lines() const {
    std::string text(64 * 1024, '\0');
    const ssize_t size = pread(fileno(file_), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(line);
    return lines;
  }

 private:
  std::FILE* file_;
  int stderr_;
};

TEST_CASE("the log says which certificate and why, once a minute") {
  World world(1);
  world.loop.advance(1000);
  test::LeafOptions options;
  options.names = {"other.example"};
  const auto server = tls_test::server_of(tls_test::fixture().authority.issue(options));
  const CapturedLog log;
  const auto fail_once = [&] {
    Link link(world.network, world.client, *server);
    world.loop.end_turn();
    REQUIRE(link.client.error.has_value());
  };
  fail_once();
  fail_once();
  fail_once();
  REQUIRE(log.lines().size() == 1);
  const std::string first = log.lines().front();
  for (const char* part : {"warning",
                           "localhost",
                           "wrong name",
                           "subject \"CN=other.example\"",
                           "issuer \"CN=Test Root\"",
                           "for other.example"}) {
    CAPTURE(first);
    REQUIRE(first.find(part) != std::string::npos);
  }
  world.loop.advance(62'000);
  fail_once();
  REQUIRE(log.lines().size() == 2);
  REQUIRE(log.lines().back().find("2 more") != std::string::npos);
}

TEST_CASE("two faults are both named") {
  test::LeafOptions options;
  options.names = {"other.example"};
  options.valid_from_days = -30;
  options.valid_to_days = -1;
  const base::Error error = refusal(
      tls_test::fixture().authority.issue(options), tls_test::client_of(), tls::Version::tls13);
  REQUIRE(tls::error_text(error) == "expired, wrong name");
}

TEST_CASE("names: exact, wildcard, IP literals") {
  const test::Authority& authority = tls_test::fixture().authority;
  test::LeafOptions wildcard;
  wildcard.names = {"*.example.com"};
  const test::Credentials star = authority.issue(wildcard);
  REQUIRE(accepted(star, tls_test::client_of("api.example.com")));
  REQUIRE(!accepted(star, tls_test::client_of("example.com")));
  REQUIRE(!accepted(star, tls_test::client_of("a.b.example.com")));
  const test::Credentials& local = tls_test::fixture().leaf;
  REQUIRE(accepted(local, tls_test::client_of("127.0.0.1")));
  REQUIRE(accepted(local, tls_test::client_of("::1")));
  REQUIRE(accepted(local, tls_test::client_of("LOCALHOST")));
  REQUIRE(!accepted(local, tls_test::client_of("127.0.0.2")));
  REQUIRE(!accepted(local, tls_test::client_of("::2")));
  REQUIRE(!accepted(star, tls_test::client_of("127.0.0.1")));
  // A name that cannot be: an error, not a handshake.
  REQUIRE(!accepted(local, tls_test::client_of(std::string(300, 'a'))));
}

TEST_CASE("RSA certificates and roots") {
  test::LeafOptions options;
  options.key = test::KeyKind::rsa_2048;
  const test::Authority root("RSA Root", test::KeyKind::rsa_2048);
  const auto roots = tls_test::trust(root.certificate_pem());
  for (const tls::Version version : versions) {
    World world(1);
    tls::ClientContext client(tls_test::client_of(), roots);
    const auto server = tls_test::server_of(root.issue(options), version);
    Link link(world.network, client, *server);
    link.read_both();
    world.loop.end_turn();
    REQUIRE(link.client.connected == 1);
  }
}

TEST_CASE("versions that do not meet are an error on both sides") {
  World world(1, tls::Version::tls12);
  tls::ClientOptions options = tls_test::client_of();
  options.min_version = tls::Version::tls13;
  tls::ClientContext client(options, tls_test::fixture().roots);
  Link link(world.network, client, *world.server);
  link.read_both();
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::tls);
  REQUIRE(link.server.error.has_value());
}

TEST_CASE("a server that does not speak TLS is an error, not a wait") {
  World world(1);
  Link link(world.network, world.client);
  const auto transport = link.take_accepted();
  tls_test::Recorder ignored;
  transport->set_listener(ignored);
  transport->set_reading(true);
  ignored.on_bytes = [&](base::Bytes) {
    static_cast<void>(write_text(*transport, "HTTP/1.1 400 Bad Request\r\n\r\n"));
  };
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::protocol);
  REQUIRE(tls::error_text(*link.client.error).find("write http://") != std::string::npos);
}

TEST_CASE("a connection that ends within the handshake is an error") {
  World world(1);
  Link link(world.network, world.client);
  const auto transport = link.take_accepted();
  tls_test::Recorder ignored;
  transport->set_listener(ignored);
  transport->set_reading(true);
  ignored.on_bytes = [&](base::Bytes) {
    transport->shutdown_write();
  };
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::tls);
  REQUIRE(tls::error_text(*link.client.error) == "the connection ended within the handshake");
}

TEST_CASE("a silent server runs into the handshake's deadline, a slow one does not") {
  World world(1);
  world.loop.advance(1000);
  Link link(world.network, world.client);
  const auto transport = link.take_accepted();
  tls_test::Recorder ignored;
  transport->set_listener(ignored);
  world.loop.end_turn();
  world.loop.advance(1000 + Link::handshake_timeout_ms - 100);
  world.loop.end_turn();
  REQUIRE(!link.client.error.has_value());
  world.loop.advance(1000 + Link::handshake_timeout_ms + 200);
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::timeout);
  REQUIRE(link.client.error->side == base::Side::upstream);

  Link good(world.network, world.client, *world.server);
  good.read_both();
  world.loop.end_turn();
  REQUIRE(good.client.connected == 1);
  world.loop.advance(100'000);
  world.loop.end_turn();
  REQUIRE(!good.client.error.has_value());
}

TEST_CASE("a transport that cannot connect tells why") {
  World world(1);
  tls_test::Recorder recorder;
  tls::TlsStream stream(world.loop,
                        world.network.make_failing({base::Code::dns, base::Side::upstream, -3008}),
                        tls::TransportState::connecting,
                        world.client,
                        1000);
  stream.set_listener(recorder);
  world.loop.end_turn();
  REQUIRE(recorder.error.has_value());
  REQUIRE(recorder.error->code == base::Code::dns);
  REQUIRE(world.client.handshakes().failed == 0);
}

// One connection from handshake to close; whether its session was resumed.
bool resumed(World& world, tls::ClientContext& client, tls::ServerContext& server) {
  Link link(world.network, client, server);
  link.read_both();
  link.server.on_ready = [&] {
    static_cast<void>(write_text(*link.server_stream, "hello"));
  };
  world.loop.end_turn();
  REQUIRE(link.client.connected == 1);
  REQUIRE(link.client.received == "hello");  // tickets are not data
  return link.client_stream->resumed();
}

TEST_CASE("sessions are resumed, shared between contexts, and forgotten when they do not work") {
  for (const tls::Version version : versions) {
    CAPTURE(static_cast<int>(version));
    World world(1, version);
    REQUIRE(!resumed(world, world.client, *world.server));
    REQUIRE(world.client.sessions().size() >= 1);
    for (int more = 0; more < 12; ++more)
      REQUIRE(resumed(world, world.client, *world.server));
    REQUIRE(world.client.handshakes().full == 1);
    REQUIRE(world.client.handshakes().resumed == 12);
    REQUIRE(world.client.sessions().size() <= tls::SessionCache::sessions_max);

    // Another worker's context with the same cache.
    const auto shared = std::make_shared<tls::SessionCache>();
    tls::ClientContext one(tls_test::client_of(), tls_test::fixture().roots, shared);
    tls::ClientContext two(tls_test::client_of(), tls_test::fixture().roots, shared);
    REQUIRE(!resumed(world, one, *world.server));
    REQUIRE(resumed(world, two, *world.server));

    // A restarted server has other keys: a full handshake again, and no failure.
    const auto restarted = tls_test::server_of(tls_test::fixture().leaf, version);
    REQUIRE(!resumed(world, world.client, *restarted));
    REQUIRE(resumed(world, world.client, *restarted));
    REQUIRE(world.client.handshakes().failed == 0);
  }
}

TEST_CASE("session caches: one for all that a session was verified against") {
  const std::shared_ptr<const tls::TrustStore>& roots = tls_test::fixture().roots;
  tls::SessionCaches caches;
  const auto one = caches.of("https://one", tls_test::client_of(), roots.get());
  REQUIRE(caches.of("https://one", tls_test::client_of(), roots.get()) == one);
  // Another store with the same in it is the same to a session.
  const auto equal = tls_test::trust(tls_test::fixture().authority.certificate_pem());
  REQUIRE(caches.of("https://one", tls_test::client_of(), equal.get()) == one);

  tls::ClientOptions strict = tls_test::client_of();
  strict.min_version = tls::Version::tls13;
  const auto others = tls_test::trust(test::Authority("Another").certificate_pem());
  const std::vector<std::shared_ptr<tls::SessionCache>> different = {
      caches.of("https://two", tls_test::client_of(), roots.get()),
      caches.of("https://one", tls_test::client_of("127.0.0.1"), roots.get()),
      caches.of("https://one", tls_test::client_of("localhost", tls::Verify::none), nullptr),
      caches.of("https://one", strict, roots.get()),
      caches.of("https://one", tls_test::client_of(), others.get())};
  for (const auto& cache : different)
    REQUIRE(cache != one);
  REQUIRE(caches.size() == 1 + different.size());

  World world(1);
  tls::ClientContext client(tls_test::client_of(), roots, one);
  REQUIRE(!resumed(world, client, *world.server));
  REQUIRE(one->size() > 0);
  for (const auto& cache : different)
    REQUIRE(cache->size() == 0);
}

TEST_CASE("session caches that nobody uses are kept, but not without bound") {
  tls::SessionCaches caches;
  const auto of = [&](size_t number) {
    return caches.of(std::to_string(number), tls_test::client_of(), nullptr);
  };
  const std::weak_ptr<tls::SessionCache> unused = of(0);
  const auto used = of(1);
  REQUIRE(of(0) == unused.lock());
  for (size_t i = 0; i < tls::SessionCaches::caches_max; ++i)
    REQUIRE(of(i) != nullptr);
  REQUIRE(caches.size() == tls::SessionCaches::caches_max);
  REQUIRE(!unused.expired());
  REQUIRE(of(tls::SessionCaches::caches_max) != nullptr);
  REQUIRE(unused.expired());
  REQUIRE(of(1) == used);
  REQUIRE(caches.size() == 2);
}

TEST_CASE("servers that share ticket keys resume each other's sessions") {
  for (const tls::Version version : versions) {
    CAPTURE(static_cast<int>(version));
    World world(1, version);
    const auto keys = std::make_shared<tls::TicketKeys>();
    const auto one = tls_test::server_of(tls_test::fixture().leaf, version, keys);
    const auto two = tls_test::server_of(tls_test::fixture().leaf, version, keys);
    REQUIRE(!resumed(world, world.client, *one));
    REQUIRE(resumed(world, world.client, *two));
    REQUIRE(resumed(world, world.client, *one));
  }
}

TEST_CASE("a server that has lost TLS 1.3 costs one failure, not all") {
  World world(1, tls::Version::tls13);
  REQUIRE(!resumed(world, world.client, *world.server));
  const auto older = tls_test::server_of(tls_test::fixture().leaf, tls::Version::tls12);
  {
    Link link(world.network, world.client, *older);
    link.read_both();
    world.loop.end_turn();
    REQUIRE(link.client.error.has_value());
  }
  REQUIRE(!resumed(world, world.client, *older));
}

TEST_CASE("a hundred handshakes at once: the crypto library's key slots are no limit") {
  World world(1);
  std::vector<std::unique_ptr<Link>> links;
  for (int i = 0; i < 100; ++i) {
    links.push_back(std::make_unique<Link>(world.network, world.client, *world.server));
  }
  world.loop.end_turn();
  for (const auto& link : links)
    REQUIRE(link->client.connected == 1);
  REQUIRE(world.client.handshakes().full == 100);
}

TEST_CASE("the session cache is bounded and hands the last session out again") {
  tls::SessionCache cache;
  REQUIRE(cache.take() == nullptr);
  const auto session = [] {
    return std::make_shared<mbedtls_ssl_session>();
  };
  for (size_t i = 0; i < tls::SessionCache::sessions_max + 3; ++i)
    cache.put(session());
  REQUIRE(cache.size() == tls::SessionCache::sessions_max);
  const tls::SharedSession newest = session();
  cache.put(newest);
  REQUIRE(cache.take() == newest);
  while (cache.size() > 1)
    static_cast<void>(cache.take());
  REQUIRE(cache.take() == cache.take());
  cache.clear();
  REQUIRE(cache.take() == nullptr);
}

}  // namespace
