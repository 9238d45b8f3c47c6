#pragma once

// Absolute http and https URLs, as they stand in the configuration and in Location fields, and unix
// sockets that speak http.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

enum class Scheme : uint8_t { http, https };

// Value. Where a connection goes: scheme, host and port together (RFC 6454).
struct Origin {
  Scheme scheme = Scheme::https;
  std::string host;  // lower case; an IPv6 literal without its brackets
  uint16_t port = 443;
  std::string unix_path = {};  // not empty: reached by this socket; the host is what it is called

  bool operator==(const Origin&) const = default;
  // "host" or "host:port" where the port is not the scheme's own; IPv6 in brackets. For Host.
  [[nodiscard]] std::string authority() const;
  // "https://host:port", the port only where it is not the scheme's own; "unix:/path". For logs and
  // pool names.
  [[nodiscard]] std::string text() const;
};

// Value.
struct Url {
  Origin origin;
  std::string target;  // path and query in origin-form, never empty; the fragment is dropped
};

// Parses an absolute URL (RFC 3986). Nothing for another scheme, userinfo, an empty host, a bad
// port, controls or spaces. Other bytes that no URL may hold (non-ASCII, quotes, backslashes …)
// come out percent-encoded in the target and are refused in the host; percent-encoding itself is
// left alone.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

// The URL of the server at a unix socket: http, of the name localhost. `path` is absolute.
[[nodiscard]] Url unix_url(std::string_view path);

// An authority ("host:port", as in Host) without its port; an IPv6 literal keeps its brackets.
[[nodiscard]] std::string_view without_port(std::string_view authority);

// The host of an authority alone, as a connection or a certificate names it: no port, no brackets.
[[nodiscard]] std::string_view host_of(std::string_view authority);

// Resolves a Location value against the URL of the request it answers (RFC 3986 5.2, with the
// removal of dot segments). Nothing where the result is not an http(s) URL as parse_url() takes it.
[[nodiscard]] std::optional<Url> resolve_url(const Url& base, std::string_view reference);

}  // namespace base
