#pragma once

// What a plain http address next to an https one answers: where to go, and the challenge files that
// a certificate authority asks for there (RFC 8555 8.3).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "http/head.h"

namespace local {

// The URL of `request`, which has passed the parser, at https and `port`; in `arena`. Empty where
// the request names no host (HTTP/1.0).
[[nodiscard]] std::string_view https_location(const http::Head& request,
                                              uint16_t port,
                                              base::Arena& arena);

// Whether `path` is one that a certificate authority asks for.
[[nodiscard]] bool is_acme_path(std::string_view path);

// The content of the challenge file for such a path, as certbot puts it under `webroot`. Nothing
// where there is none, or it is no plain small file of that very folder. Reads the file at once: it
// is at most one page, written a moment ago.
[[nodiscard]] std::optional<std::string> read_acme_challenge(const std::string& webroot,
                                                             std::string_view path);

}  // namespace local
