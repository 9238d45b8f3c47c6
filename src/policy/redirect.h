#pragma once

// Following redirects as a browser's fetch() does (Fetch standard, "HTTP-redirect fetch").

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/url.h"

namespace policy {

// Value. The request that answers a redirect.
struct Redirect {
  base::Url url;
  bool becomes_get = false;   // method GET, no body, no Content-* fields
  bool cross_origin = false;  // Authorization and Cookie stay behind
};

[[nodiscard]] bool is_redirect_status(uint16_t status);  // 301, 302, 303, 307, 308

// Where a redirect leads. Nothing where it is not to be followed: no usable http(s) Location. Pure.
// `current` is the URL of the request that was answered with `status`.
[[nodiscard]] std::optional<Redirect> plan_redirect(uint16_t status,
                                                    std::string_view method,
                                                    const base::Url& current,
                                                    std::string_view location);

// Fields that describe a body which is no longer sent ("request-body-header name").
[[nodiscard]] bool describes_body(std::string_view field_name);

// Fields that prove who the client is to the origin it meant, and to no other.
[[nodiscard]] bool is_credential(std::string_view field_name);

}  // namespace policy
