#pragma once

// Which header fields go on, and which are dropped, on the way up and on the way down.

#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "config/config.h"
#include "http/head.h"

namespace policy {

// Value, compiled once per configuration.
class FieldFilter {
 public:
  explicit FieldFilter(const config::Headers& config);

  // Copies the fields of `from` that go upstream to `to`, in order: no hop-by-hop field, none named
  // by Connection, no framing field, nothing a CDN added, and Host replaced by `host` (added in
  // front where there is none). All views stay those of `from`, `host` must outlive `to`.
  void request(const http::Head& from, http::Head& to, std::string_view host) const;

  // Drops from `response` what must not reach the client, in place.
  void response(http::Head& response) const;

  // Adds X-Forwarded-For and X-Forwarded-Proto, and Via, where configured.
  void announce(http::Head& request, std::string_view client_address, bool is_https) const;
  void announce(http::Head& response) const;

 private:
  bool strip_cdn_;
  bool add_forwarded_;
  bool add_via_;
  std::vector<std::string> strip_request_;
  std::vector<std::string> strip_response_;
};

}  // namespace policy
