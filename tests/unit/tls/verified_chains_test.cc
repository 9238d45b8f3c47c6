// Chains found good are not checked again; everything else still is.
#include "tls/verified_chains.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "tls/random.h"
#include "tls/session.h"
#include "tls/tls_world.h"

namespace {

using test::Authority;
using test::Credentials;
using tls::VerifiedChains;
using tls_test::client_of;
using tls_test::versions;
using Moment = VerifiedChains::Moment;

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

// A parsed chain.
class Chain {
 public:
  explicit Chain(const std::string& pem) {
    mbedtls_x509_crt_init(&chain_);
    CHECK(mbedtls_x509_crt_parse(&chain_, octets(pem), pem.size() + 1) == 0);
  }
  ~Chain() { mbedtls_x509_crt_free(&chain_); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  Chain(Chain&&) = delete;
  Chain& operator=(Chain&&) = delete;
  [[nodiscard]] mbedtls_x509_crt& get() { return chain_; }

 private:
  mbedtls_x509_crt chain_;
};

VerifiedChains::Key key_of(unsigned char number) {
  VerifiedChains::Key key{};
  key[31] = number;
  return key;
}

TEST_CASE("verified chains: known until the earliest expiry, and for an hour") {
  VerifiedChains chains;
  const Moment then{1'000'000, 500};
  chains.remember(key_of(1), then, 1'000'100);
  chains.remember(key_of(2), then, 2'000'000);
  REQUIRE(chains.size() == 2);
  REQUIRE(chains.knows(key_of(1), then));
  REQUIRE(chains.knows(key_of(1), {1'000'100, 600}));
  REQUIRE(!chains.knows(key_of(1), {1'000'101, 601}));
  REQUIRE(!chains.knows(key_of(3), then));
  REQUIRE(chains.knows(key_of(2), {1'003'599, 500 + 3599}));
  REQUIRE(!chains.knows(key_of(2), {1'003'600, 500 + 3600}));
  REQUIRE(!chains.knows(key_of(2), {1'000'001, 500 + 3600}));  // the wall clock stood still
  REQUIRE(!chains.knows(key_of(2), {999'999, 501}));           // it was set back
  chains.remember(key_of(2), {1'003'600, 4100}, 2'000'000);
  REQUIRE(chains.size() == 2);
  REQUIRE(chains.knows(key_of(2), {1'003'601, 4101}));
}

TEST_CASE("verified chains: the oldest goes when there are too many") {
  VerifiedChains chains;
  for (size_t i = 0; i <= VerifiedChains::chains_max; ++i)
    chains.remember(key_of(static_cast<unsigned char>(i)), {1000, 1000}, 2000);
  REQUIRE(chains.size() == VerifiedChains::chains_max);
  REQUIRE(!chains.knows(key_of(0), {1000, 1000}));
  for (size_t i = 1; i <= VerifiedChains::chains_max; ++i)
    REQUIRE(chains.knows(key_of(static_cast<unsigned char>(i)), {1000, 1000}));
}

TEST_CASE("verified chains: a key stands for all bytes and the name") {
  const Credentials& leaf = tls_test::fixture().leaf;
  const std::string& root = tls_test::fixture().authority.certificate_pem();
  Chain one(leaf.certificate_pem);
  Chain same(leaf.certificate_pem);
  Chain longer(leaf.certificate_pem + root);
  Chain other(tls_test::fixture().authority.issue().certificate_pem);
  const VerifiedChains::Key key = VerifiedChains::key(one.get(), "localhost");
  REQUIRE(VerifiedChains::key(same.get(), "localhost") == key);
  REQUIRE(VerifiedChains::key(one.get(), "localhos") != key);
  REQUIRE(VerifiedChains::key(longer.get(), "localhost") != key);
  REQUIRE(VerifiedChains::key(other.get(), "localhost") != key);
  // It was made to be good for 30 days.
  const int64_t left_s = VerifiedChains::expiry_s(one.get()) - Moment::now().wall_s;
  REQUIRE(left_s > 29 * 24 * 3600);
  REQUIRE(left_s < 31 * 24 * 3600);
}

// Whether a client that trusts `roots` and asks for `name` gets through to a server with `leaf`.
bool connects(const Credentials& leaf,
              const std::shared_ptr<const tls::TrustStore>& roots,
              const std::string& name = "localhost",
              tls::Version version = tls::Version::tls13) {
  net::Loop loop;
  test::MemoryNetwork network(loop, 1);
  tls::ClientContext client(client_of(name), roots);
  const auto server = tls_test::server_of(leaf, version);
  tls_test::Link link(network, client, *server);
  link.read_both();
  loop.end_turn();
  return link.client.connected == 1 && !link.client.error.has_value();
}

TEST_CASE("verified chains: what verified is remembered, what did not is not") {
  const Authority& authority = tls_test::fixture().authority;
  const auto roots = tls_test::trust(authority.certificate_pem());
  for (const tls::Version version : versions) {
    REQUIRE(connects(tls_test::fixture().leaf, roots, "localhost", version));
    REQUIRE(roots->verified().size() == 1);
  }
  Chain chain(tls_test::fixture().leaf.certificate_pem);
  const VerifiedChains::Key key = VerifiedChains::key(chain.get(), "localhost");
  REQUIRE(roots->verified().knows(key, Moment::now()));
  Moment late = Moment::now();
  late.wall_s = VerifiedChains::expiry_s(chain.get()) + 1;
  REQUIRE(!roots->verified().knows(key, late));
  REQUIRE(connects(tls_test::fixture().leaf, roots, "127.0.0.1"));
  REQUIRE(roots->verified().size() == 2);

  test::LeafOptions expired;
  expired.valid_from_days = -30;
  expired.valid_to_days = -1;
  REQUIRE(!connects(authority.issue(expired), roots));
  REQUIRE(!connects(tls_test::fixture().leaf, roots, "other.example"));
  REQUIRE(!connects(tls_test::fixture().leaf, roots, "127.0.0.2"));
  REQUIRE(!connects(Authority("Stranger Root").issue(), roots));
  REQUIRE(roots->verified().size() == 2);
}

TEST_CASE("verified chains: a known chain passes unchecked; other names, bytes and roots do not") {
  const Authority stranger("Stranger Root");
  const Credentials leaf = stranger.issue();
  Chain chain(leaf.certificate_pem);
  const auto roots = tls_test::trust(tls_test::fixture().authority.certificate_pem());
  const auto other_roots = tls_test::trust(tls_test::fixture().authority.certificate_pem());
  const Moment now = Moment::now();
  // Something no verification would have found, so that only a hit can explain a success.
  const VerifiedChains::Key key = VerifiedChains::key(chain.get(), "localhost");
  for (const tls::Version version : versions) {
    roots->verified().remember(key, now, now.wall_s + 1000);
    REQUIRE(connects(leaf, roots, "localhost", version));
    REQUIRE(!connects(leaf, roots, "127.0.0.1", version));
    REQUIRE(!connects(stranger.issue(), roots, "localhost", version));
    REQUIRE(!connects(leaf, other_roots, "localhost", version));
    roots->verified().remember(key, now, now.wall_s - 1);
    REQUIRE(!connects(leaf, roots, "localhost", version));
    roots->verified().remember(key, {now.wall_s, now.uptime_s - 3600}, now.wall_s + 1000);
    REQUIRE(!connects(leaf, roots, "localhost", version));
  }
}

// A server of bare mbedTLS, which does not mind whose key it was given.
class BareServer {
 public:
  BareServer(const std::string& certificate_pem, const std::string& key_pem, tls::Version version)
      : chain_(certificate_pem) {
    mbedtls_pk_init(&key_);
    mbedtls_ssl_config_init(&config_);
    mbedtls_ssl_init(&ssl_);
    CHECK(mbedtls_pk_parse_key(
              &key_, octets(key_pem), key_pem.size() + 1, nullptr, 0, tls::random_bytes, nullptr) ==
          0);
    CHECK(mbedtls_ssl_config_defaults(&config_,
                                      MBEDTLS_SSL_IS_SERVER,
                                      MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(&config_, tls::random_bytes, nullptr);
    CHECK(mbedtls_ssl_conf_own_cert(&config_, &chain_.get(), &key_) == 0);
    if (version == tls::Version::tls12)
      mbedtls_ssl_conf_max_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);
    CHECK(mbedtls_ssl_setup(&ssl_, &config_) == 0);
    mbedtls_ssl_set_bio(&ssl_, this, send, receive, nullptr);
  }
  ~BareServer() {
    mbedtls_ssl_free(&ssl_);
    mbedtls_ssl_config_free(&config_);
    mbedtls_pk_free(&key_);
  }
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  BareServer(BareServer&&) = delete;
  BareServer& operator=(BareServer&&) = delete;

  // Its answer to `input`.
  std::string answer(const std::vector<std::byte>& input) {
    input_.append(reinterpret_cast<const char*>(input.data()), input.size());
    static_cast<void>(mbedtls_ssl_handshake(&ssl_));
    return std::move(output_);
  }

 private:
  static int send(void* self, const unsigned char* bytes, size_t size) {
    static_cast<BareServer*>(self)->output_.append(reinterpret_cast<const char*>(bytes), size);
    return static_cast<int>(size);
  }
  static int receive(void* self, unsigned char* into, size_t size) {
    std::string& input = static_cast<BareServer*>(self)->input_;
    if (input.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    const size_t count = std::min(size, input.size());
    std::memcpy(into, input.data(), count);
    input.erase(0, count);
    return static_cast<int>(count);
  }

  Chain chain_;
  mbedtls_pk_context key_;
  mbedtls_ssl_config config_;
  mbedtls_ssl_context ssl_;
  std::string input_;
  std::string output_;
};

// How a client's handshake with `server` ends.
tls::Session::Status outcome(BareServer& server, tls::ClientContext& context) {
  tls::Session session(context);
  std::string incoming;
  tls::Session::Status status = tls::Session::Status::want_input;
  for (int flight = 0; flight < 4 && status == tls::Session::Status::want_input; ++flight) {
    base::Bytes bytes = base::as_bytes(incoming);
    status = session.handshake(bytes);
    incoming = server.answer(session.flight());
    session.flight().clear();
  }
  return status;
}

TEST_CASE("verified chains: a server with a known chain must still have its key") {
  const Credentials& leaf = tls_test::fixture().leaf;
  const auto roots = tls_test::trust(tls_test::fixture().authority.certificate_pem());
  const std::string thief_key_pem = tls_test::fixture().authority.issue().key_pem;
  for (const tls::Version version : versions) {
    for (int round = 0; round < 2; ++round) {  // the chain is known in the second
      tls::ClientContext context(client_of(), roots);
      BareServer thief(leaf.certificate_pem, thief_key_pem, version);
      REQUIRE(outcome(thief, context) == tls::Session::Status::failed);
      BareServer owner(leaf.certificate_pem, leaf.key_pem, version);
      REQUIRE(outcome(owner, context) == tls::Session::Status::done);
    }
  }
  REQUIRE(roots->verified().size() == 1);
}

}  // namespace
