#pragma once

// Following redirects as a browser's fetch() does (Fetch standard, "HTTP-redirect fetch").

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/url.h"
#include "http/head.h"

namespace policy {

// Value. The request that answers a redirect.
struct Redirect {
  base::Url url;
  bool becomes_get = false;   // method GET, no body, no Content-* fields
  bool cross_origin = false;  // what proves an identity stays behind
};

[[nodiscard]] bool is_redirect_status(uint16_t status);  // 301, 302, 303, 307, 308

// Where a redirect leads. Nothing where it is not to be followed: no usable http(s) Location. Pure.
// `current` is the URL of the request that was answered with `status`, `host` what its Host said: a
// Location that names that host means the same origin, by whatever way it was reached (a unix
// socket, an address).
[[nodiscard]] std::optional<Redirect> plan_redirect(uint16_t status,
                                                    std::string_view method,
                                                    const base::Url& current,
                                                    std::string_view host,
                                                    std::string_view location);

// Fields that describe a body which is no longer sent ("request-body-header name").
[[nodiscard]] bool describes_body(std::string_view field_name);

// Fields that prove who the client is to the origin it meant, and to no other. By what their names
// mean, for every service has a name of its own: one too many stays behind rather than one too few.
[[nodiscard]] bool is_credential(std::string_view field_name);
void drop_credentials(std::vector<http::Field>& fields);

}  // namespace policy
