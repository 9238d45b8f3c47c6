#pragma once

// Dials one origin: name lookup, TCP race, TLS for https; or a unix socket. Never this process.

#include <memory>
#include <string>

#include "base/url.h"
#include "config/config.h"
#include "net/own_addresses.h"
#include "net/resolver.h"
#include "net/uv_loop.h"
#include "tls/context.h"
#include "tls/session_cache.h"
#include "tls/trust_store.h"
#include "upstream/dialer.h"

namespace upstream {

// Resource, owned by its pool; loop, resolver and addresses outlive it. The loop's thread.
class OriginDialer final : public Dialer {
 public:
  // What its TLS connections need, for https only.
  struct Tls {
    std::string server_name;                       // what SNI and the certificate must say
    std::shared_ptr<const tls::TrustStore> trust;  // null where verification is off
    std::shared_ptr<tls::SessionCaches> sessions;  // what other workers resume, too
  };

  OriginDialer(net::UvLoop& loop,
               net::Resolver& resolver,
               base::Origin origin,
               const config::Upstream& upstream,
               Tls tls,
               const net::OwnAddresses& own);

  [[nodiscard]] std::unique_ptr<net::ByteStream> dial(net::ByteStreamListener& listener) override;
  [[nodiscard]] uint64_t moves() override;
  [[nodiscard]] bool leads_to(const net::Address& peer) const override;

 private:
  // Kept connections hide for how long that a name has moved.
  static constexpr uint64_t look_again_after_ms = 1'000;

  net::UvLoop& loop_;
  net::Resolver& resolver_;
  const net::OwnAddresses& own_;
  base::Origin origin_;
  config::UpstreamTimeouts timeouts_;
  uint64_t look_again_ms_ = 0;
  std::unique_ptr<tls::ClientContext> tls_;  // https only
};

}  // namespace upstream
