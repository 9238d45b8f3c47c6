#pragma once

// A TLS client and a TLS server of ours over one in-memory connection, with seeded chance.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "support/certificates.h"
#include "support/memory_stream.h"
#include "tls/context.h"
#include "tls/server_context.h"
#include "tls/session_cache.h"
#include "tls/stream.h"
#include "tls/trust_store.h"

namespace tls_test {

using test::Authority;
using test::Credentials;
using test::LeafOptions;
using test::MemoryNetwork;
using test::MemoryOptions;
using test::MemoryStream;

// Remembers every event of one stream; `on_bytes` and `on_ready` may act from within them.
class Recorder final : public net::ByteStreamListener {
 public:
  int connected = 0;
  int drained = 0;
  int reads = 0;
  std::string received;
  std::optional<net::ReadEnd> read_end;
  std::optional<base::Error> write_error;
  std::optional<base::Error> error;
  std::function<void()> on_ready = [] {
  };
  std::function<void(base::Bytes)> on_bytes = [](base::Bytes) {
  };
  std::function<void()> on_room = [] {
  };

  void on_connected() override {
    ++connected;
    on_ready();
  }
  void on_read(base::Bytes bytes) override {
    ++reads;
    received.append(base::as_text(bytes));
    on_bytes(bytes);
  }
  void on_read_end(net::ReadEnd end) override {
    CHECK(!read_end.has_value());
    read_end = end;
  }
  void on_drained() override {
    ++drained;
    on_room();
  }
  void on_write_error(base::Error what) override { write_error = what; }
  void on_error(base::Error what) override {
    CHECK(!error.has_value());
    error = what;
  }
};

// The two sides' settings, shared by many connections.
inline tls::ClientOptions client_of(std::string name = "localhost",
                                    tls::Verify verify = tls::Verify::required) {
  tls::ClientOptions options;
  options.server_name = std::move(name);
  options.verify = verify;
  return options;
}

inline std::shared_ptr<const tls::TrustStore> trust(const std::string& pem) {
  auto store = tls::TrustStore::from_pem(pem, "the test's root");
  CHECK(static_cast<bool>(store));
  return *store;
}

inline std::shared_ptr<const tls::ServerCertificates> certificates_of(
    std::span<const Credentials> credentials) {
  std::vector<tls::CertificatePem> pems;
  for (const Credentials& one : credentials)
    pems.push_back({one.certificate_pem, one.key_pem});
  auto loaded = tls::ServerCertificates::from_pem(pems);
  CHECK(static_cast<bool>(loaded));
  return *loaded;
}

inline std::unique_ptr<tls::ServerContext> server_of(const Credentials& credentials,
                                                     tls::Version max = tls::Version::tls13,
                                                     std::shared_ptr<tls::TicketKeys> keys = {}) {
  tls::ServerOptions options;
  options.certificates = certificates_of({&credentials, 1});
  options.max_version = max;
  options.ticket_keys = std::move(keys);
  return std::make_unique<tls::ServerContext>(std::move(options));
}

// One connection.
class Link {
 public:
  Recorder client;
  Recorder server;
  std::unique_ptr<tls::TlsStream> client_stream;
  std::unique_ptr<tls::TlsStream> server_stream;
  MemoryStream* client_transport;
  MemoryStream* server_transport;

  Link(MemoryNetwork& network, tls::ClientContext& to, tls::ServerContext& at)
      : Link(network, network.make_connecting_pair(base::Side::upstream, base::Side::client), to) {
    server_stream = std::make_unique<tls::TlsStream>(
        network.loop(), std::move(accepted_), at, handshake_timeout_ms);
    server_stream->set_listener(server);
  }
  // The server's end is left to the test, on the bare transport.
  Link(MemoryNetwork& network, tls::ClientContext& to)
      : Link(network, network.make_connecting_pair(base::Side::upstream, base::Side::client), to) {}

  static constexpr uint64_t handshake_timeout_ms = 5000;
  [[nodiscard]] std::unique_ptr<MemoryStream> take_accepted() { return std::move(accepted_); }

  void read_both() {
    client_stream->set_reading(true);
    server_stream->set_reading(true);
  }

 private:
  Link(MemoryNetwork& network, MemoryNetwork::Pair pair, tls::ClientContext& to)
      : client_transport(pair.first.get()),
        server_transport(pair.second.get()),
        accepted_(std::move(pair.second)) {
    client_stream = std::make_unique<tls::TlsStream>(network.loop(),
                                                     std::move(pair.first),
                                                     tls::TransportState::connecting,
                                                     to,
                                                     handshake_timeout_ms);
    client_stream->set_listener(client);
  }
  std::unique_ptr<MemoryStream> accepted_;
};

// Writes `text` in one piece.
inline net::Flow write_text(net::ByteStream& stream, std::string_view text) {
  const base::Bytes piece = base::as_bytes(text);
  return stream.write({&piece, 1});
}

// Bytes that tell a lost, doubled or swapped one.
inline std::string pattern(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& byte : text)
    byte = static_cast<char>(random());
  return text;
}

// A root, a good leaf and the trust in it: made once per process, for keys cost time.
struct Fixture {
  Authority authority;
  Credentials leaf;
  std::shared_ptr<const tls::TrustStore> roots;

  Fixture() {
    CHECK(!tls::init().has_value());
    leaf = authority.issue();
    roots = trust(authority.certificate_pem());
  }
};

inline Fixture& fixture() {
  static Fixture made;
  return made;
}

struct World {
  net::Loop loop;
  MemoryNetwork network;
  std::unique_ptr<tls::ServerContext> server;
  tls::ClientContext client;

  explicit World(uint64_t seed,
                 tls::Version version = tls::Version::tls13,
                 MemoryOptions memory = {})
      : network(loop, seed, memory),
        server(server_of(fixture().leaf, version)),
        client(client_of(), fixture().roots) {}
};

constexpr tls::Version versions[] = {tls::Version::tls12, tls::Version::tls13};

}  // namespace tls_test
