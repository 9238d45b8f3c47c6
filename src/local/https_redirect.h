#pragma once

// What a plain http address next to an https one answers: where to go, and the challenge files that
// a certificate authority asks for there (RFC 8555 8.3).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "http/head.h"
#include "local/service.h"

namespace local {

class HttpsRedirect final : public Service {
 public:
  // Leads to `https_port` of the host that a request names. Challenge files are served from
  // `acme_webroot`, as certbot puts them there; empty: none.
  HttpsRedirect(uint16_t https_port, std::string acme_webroot)
      : https_port_(https_port), acme_webroot_(std::move(acme_webroot)) {}

  std::unique_ptr<Answer> serve(const http::Head& request, Responder& responder) override;

 private:
  void serve_challenge(std::string_view path, Responder& responder) const;
  [[nodiscard]] std::string_view location(const http::Head& request, base::Arena& arena) const;

  uint16_t https_port_;
  std::string acme_webroot_;
};

}  // namespace local
