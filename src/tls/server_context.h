#pragma once

// The settings of a listener that speaks TLS: its certificate, its ticket keys.

#include <memory>
#include <string>

#include "base/result.h"
#include "tls/context.h"

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

// Value. PEM texts.
struct ServerOptions {
  std::string certificate_pem;  // the leaf first, then its issuers
  std::string key_pem;          // unencrypted
  Version min_version = Version::tls12;
  Version max_version = Version::tls13;
  // Share them only between contexts with the same certificate. Null: keys of its own.
  std::shared_ptr<TicketKeys> ticket_keys = nullptr;
};

// Resource, one per listener and worker. Tickets are good for an hour.
class ServerContext final : public Context {
 public:
  using Made = base::Result<std::unique_ptr<ServerContext>, std::string>;
  // The error says what is wrong with the certificate or the key.
  [[nodiscard]] static Made make(const ServerOptions& options);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ServerContext(ServerContext&&) = delete;
  ServerContext& operator=(ServerContext&&) = delete;

 private:
  struct State;
  ServerContext();
  std::unique_ptr<State> state_;
};

}  // namespace tls
