#pragma once

// The client side of TLS for scripted clients: our own streams, driven until a wait is over.

#include <cstdint>
#include <memory>
#include <string>

#include "net/resolver.h"
#include "net/uv_loop.h"
#include "support/wire.h"
#include "tls/context.h"

namespace test {

// Resource: what connections of one client share, its sessions to resume among it. Outlives its
// wires; one thread uses it and them.
class TlsClient {
 public:
  // Trusts certificates for localhost that `authority_pem` signed.
  explicit TlsClient(const std::string& authority_pem);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  TlsClient(TlsClient&&) = delete;
  TlsClient& operator=(TlsClient&&) = delete;

  // Connects to 127.0.0.1 and shakes hands. Throws Reset, TimedOut. Its wires cannot abort() from
  // another thread.
  [[nodiscard]] std::unique_ptr<Wire> connect(uint16_t port);

  [[nodiscard]] const tls::HandshakeCounts& handshakes() const { return context_.handshakes(); }

 private:
  net::UvLoop loop_;
  net::Resolver resolver_;
  tls::ClientContext context_;
};

}  // namespace test
