#pragma once

// The TLS server side of scripted upstreams: real mbedTLS over a blocking socket.

#include <atomic>
#include <memory>
#include <string>

#include "support/wire.h"

namespace test {

enum class TlsVersions : unsigned char { both, only_1_2, only_1_3 };

struct TlsServerOptions {
  std::string certificate_pem;  // the leaf first, then what it was signed with
  std::string key_pem;
  TlsVersions versions = TlsVersions::both;
};

// Resource: one server's certificate, settings and tickets. Outlives its wires; any thread.
class TlsServer {
 public:
  explicit TlsServer(const TlsServerOptions& options);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  TlsServer(TlsServer&&) = delete;
  TlsServer& operator=(TlsServer&&) = delete;

  // Shakes hands. Throws Reset when that fails, TimedOut.
  [[nodiscard]] std::unique_ptr<Wire> accept(std::unique_ptr<Socket> socket);

  // Connections whose client came back with a ticket we took.
  [[nodiscard]] unsigned resumed() const;
  // The name the last client asked for by SNI, "" when it sent none.
  [[nodiscard]] std::string last_server_name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace test
