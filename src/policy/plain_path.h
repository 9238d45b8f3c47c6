#pragma once

// What other readers may make of a path: servers and proxies decode, collapse and resolve paths in
// ways of their own (RFC 3986 6.2), and two that disagree send a request where it was not meant to
// go.

#include <string>
#include <string_view>

namespace policy {

// Whether `path` (without a query) is written in a way that may be read as another one.
[[nodiscard]] bool is_odd_path(std::string_view path);

// `path` as the most generous reader has it: percent-decoded, backslashes for slashes, empty and
// dot segments resolved. Begins with a slash.
[[nodiscard]] std::string plain_path(std::string_view path);

// Whether the dot segments of `path`, read that way, lead above where it begins.
[[nodiscard]] bool climbs_out(std::string_view path);

}  // namespace policy
