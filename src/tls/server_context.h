#pragma once

// The settings of a listener that speaks TLS: its certificates, its ticket keys.

#include <functional>
#include <memory>

#include "tls/context.h"
#include "tls/server_certificates.h"

struct mbedtls_ssl_ticket_context;

namespace tls {

// Resource: the keys that session tickets are sealed with, replaced every hour. Any thread, so that
// the contexts of several workers can share one: a client may then resume on whichever it meets.
class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  TicketKeys(TicketKeys&&) = delete;
  TicketKeys& operator=(TicketKeys&&) = delete;

  // For tls/ only. mbedTLS locks it.
  [[nodiscard]] mbedtls_ssl_ticket_context* context() { return context_.get(); }

 private:
  std::unique_ptr<mbedtls_ssl_ticket_context> context_;
};

// Value.
struct ServerOptions {
  std::shared_ptr<const ServerCertificates> certificates;  // never null
  // Clients must show a certificate that these signed; null: they are not asked.
  std::shared_ptr<const TrustStore> client_ca = nullptr;
  Version min_version = Version::tls12;
  Version max_version = Version::tls13;
  // Null: keys of its own.
  std::shared_ptr<TicketKeys> ticket_keys = nullptr;
  std::function<void(HandshakeEnd)> on_handshake = {};
};

// Resource, one per listener and worker. Tickets are good for an hour; with `client_ca` there are
// none: each connection's certificate is checked when it comes, and by what is trusted then.
class ServerContext final : public Context {
 public:
  explicit ServerContext(ServerOptions options);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ServerContext(ServerContext&&) = delete;
  ServerContext& operator=(ServerContext&&) = delete;

  // For tls/ only.
  [[nodiscard]] const ServerCertificates& certificates() const { return *options_.certificates; }

 private:
  ServerOptions options_;
};

}  // namespace tls
