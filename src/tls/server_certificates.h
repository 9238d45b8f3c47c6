#pragma once

// The certificates a listener has, and which of them a client is shown.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/certificate_facts.h"

struct mbedtls_ssl_context;

namespace tls {

// Value. PEM texts.
struct CertificatePem {
  std::string certificate;  // the leaf first, then its issuers
  std::string key;          // unencrypted
};

// Resource, immutable after loading: parsed once and shared by all workers (any thread).
class ServerCertificates {
 public:
  struct Error {
    size_t index;     // of the one that is wrong
    std::string why;  // never cites a key
  };
  using Loaded = base::Result<std::shared_ptr<const ServerCertificates>, Error>;

  // At least one; a client that names none of them, or nobody, is shown the first.
  [[nodiscard]] static Loaded from_pem(std::span<const CertificatePem> pems);
  ~ServerCertificates();
  ServerCertificates(const ServerCertificates&) = delete;
  ServerCertificates& operator=(const ServerCertificates&) = delete;
  ServerCertificates(ServerCertificates&&) = delete;
  ServerCertificates& operator=(ServerCertificates&&) = delete;

  // Which of them are for `name`, as SNI gives it: those that have that very name, else those with
  // a wildcard for it, else those with a name of the first one's. Several, where one is ECDSA and
  // one is RSA: what the client can verify decides.
  [[nodiscard]] const std::vector<size_t>& find(std::string_view name) const;

  // Of each, in their order.
  [[nodiscard]] std::vector<CertificateFacts> facts() const;

  // For tls/ only: offers what find() finds to the handshake under way; 0 or an mbedTLS error.
  [[nodiscard]] int offer(mbedtls_ssl_context& ssl, std::string_view name) const;

 private:
  struct State;
  ServerCertificates();
  std::unique_ptr<State> state_;
};

}  // namespace tls
