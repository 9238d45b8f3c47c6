#pragma once

// The client side of TLS for scripted clients: our own streams, driven until a wait is over.

#include <cstdint>
#include <memory>
#include <string>

#include "net/uv_loop.h"
#include "support/wire.h"
#include "tls/context.h"

namespace test {

// Resource: what connections of one client share, its sessions to resume among it. Outlives its
// wires; one thread uses it and them.
class TlsClient {
 public:
  // Trusts certificates for `name` that `authority_pem` signed.
  explicit TlsClient(const std::string& authority_pem, std::string name = "localhost");
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  TlsClient(TlsClient&&) = delete;
  TlsClient& operator=(TlsClient&&) = delete;

  // Connects to 127.0.0.1 and shakes hands. Throws Reset, TimedOut. Its wires cannot abort() from
  // another thread.
  [[nodiscard]] std::unique_ptr<Wire> connect(uint16_t port, const ConnectOptions& options = {});
  // The same over a connection that is there.
  [[nodiscard]] std::unique_ptr<Wire> shake_hands(Socket& socket);

  [[nodiscard]] const tls::HandshakeCounts& handshakes() const { return context_.handshakes(); }

 private:
  net::UvLoop loop_;
  tls::ClientContext context_;
};

// A wire with a client of its own, for clients on several threads.
[[nodiscard]] std::unique_ptr<Wire> tls_wire_of_its_own(const std::string& authority_pem,
                                                        uint16_t port,
                                                        const ConnectOptions& options = {});

}  // namespace test
