#pragma once

// Request targets and the authorities in them and in Host (RFC 9112 3.2, RFC 9110 7.2).

#include <optional>
#include <string_view>

#include "base/arena.h"

namespace http {

// Value of views into the target it was split from.
struct TargetParts {
  std::string_view authority;  // "" in origin-form and asterisk-form
  std::string_view rest;       // origin-form: all of it; absolute-form: what follows the authority
  bool is_https = false;       // of an absolute-form
};

// The parts of an origin-form ("/path?query"), asterisk-form ("*") or http(s) absolute-form target;
// nothing for any other, for one with a fragment, or with an authority that is not valid.
[[nodiscard]] std::optional<TargetParts> split_target(std::string_view target);

// `target` as a request to an origin server names it: an absolute-form loses scheme and authority
// (RFC 9112 3.2.1, 3.2.4), all else is returned as it is. `target` must have passed the parser. The
// result is a view of it or lives in `arena`.
[[nodiscard]] std::string_view origin_form(std::string_view method,
                                           std::string_view target,
                                           base::Arena& arena);

// Whether `text` is a host with an optional port: a name of letters, digits, '-', '.', '_' and '~',
// an IPv4 address or a bracketed IPv6 one. Narrower than RFC 3986: no userinfo, percent-encoding or
// sub-delimiters, which no real host has and parsers disagree on.
[[nodiscard]] bool is_authority(std::string_view text);

// Whether two authorities name the same host and port, the scheme's default port implied.
[[nodiscard]] bool is_same_authority(std::string_view a, std::string_view b, bool is_https);

}  // namespace http
