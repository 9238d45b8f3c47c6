#pragma once

// Cross-origin resource sharing: which web pages may use the proxy (Fetch standard, "CORS
// protocol").

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "config/config.h"
#include "http/head.h"

namespace policy {

// Value, compiled once per configuration.
class Cors {
 public:
  explicit Cors(const config::Cors& config);

  // A preflight: OPTIONS with Origin and Access-Control-Request-Method.
  [[nodiscard]] bool is_preflight(const http::Head& request) const;

  // Whether a page sent it that we let have the answer: then the upstream need not know of the
  // page.
  [[nodiscard]] bool answers(const http::Head& request) const;

  // Fills `response` with the 204 that answers a preflight. Nothing is allowed to an origin that is
  // not on the list. New bytes go to `arena`.
  void answer_preflight(const http::Head& request, http::Head& response, base::Arena& arena) const;

  // Makes `response` readable for the page that sent `request`, as far as the origin is allowed:
  // *sets* Access-Control-Allow-Origin, whatever the upstream said, and exposes the API's fields.
  void apply(const http::Head& request, http::Head& response, base::Arena& arena) const;

 private:
  struct OriginPattern {
    std::string prefix;  // "https://" of "https://*.example.com", or the whole origin
    std::string suffix;  // ".example.com", empty for an exact origin
    [[nodiscard]] bool matches(std::string_view origin) const;
  };

  void allow_origin(const http::Head& request, http::Head& response) const;
  [[nodiscard]] bool is_allowed(std::string_view origin) const;

  bool enabled_;
  bool any_origin_ = false;
  std::vector<OriginPattern> origins_;
  std::optional<std::string> allow_headers_;
  std::optional<std::string> expose_headers_;
  std::string max_age_s_;
};

}  // namespace policy
