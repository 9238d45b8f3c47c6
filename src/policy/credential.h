#pragma once

// Where SDKs put a key: what a client shows as its token, and where an upstream wants ours.

#include <optional>
#include <string_view>

#include "base/arena.h"
#include "config/config.h"
#include "http/head.h"

namespace policy {

// The token of `request`: of Authorization (Bearer), api-key, x-api-key, x-goog-api-key, the
// query's `key` and the WebSocket subprotocol `openai-insecure-api-key.…` the first that is there,
// in this order. Nothing where none is, or it is empty. Views the head.
[[nodiscard]] std::optional<std::string_view> find_token(const http::Head& request);

// Takes every such place out of a head that goes up, so that no token leaves; `token` is the one
// that was found, whose member of the query goes. New bytes go to `arena`.
void drop_tokens(http::Head& head, std::string_view token, base::Arena& arena);

// Puts an upstream's key where it belongs. `key` as KeyPlace::Kind::authorization wants it has its
// "Bearer " in front already. Both live as long as the head.
void add_key(http::Head& head,
             const config::KeyPlace& place,
             std::string_view key,
             base::Arena& arena);

}  // namespace policy
