#pragma once

// Requests that go round in a circle: by way of other servers the proxy is its own upstream, and
// each request waits for itself until nothing is left to wait with (RFC 9110 7.6).
//
// A mark in the request is the only means to know it again. It says nothing of the client: it is a
// number that each start of the program makes anew. And it is given to no upstream that answers:
// only where many requests in a row are out without an answer does the next one get it, as in a
// circle none is answered. It is a field of our own, not CDN-Loop (RFC 8586), which the API's edge
// may refuse. Proxies in a row pass each other's marks on, by the same rule.

#include <string_view>

#include "base/arena.h"
#include "http/head.h"

namespace policy {

inline constexpr std::string_view loop_field = "X-Proxy-Loop";

// Whether `request` has this process's mark: it was here before.
[[nodiscard]] bool has_come_back(const http::Head& request);

// The field's value to send: the marks that `request` came with, and ours. Lives in `arena`.
[[nodiscard]] std::string_view marked(const http::Head& request, base::Arena& arena);

}  // namespace policy
