#pragma once

// The answers we make ourselves, in the API's own error shape, so that SDKs raise the right
// exception.

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/head.h"
#include "openai/api_error.h"

namespace local {

// Fills `head` with the error's response head and returns its JSON body, both in `arena`.
[[nodiscard]] base::Bytes render(const openai::ApiError& error,
                                 std::string_view request_id,
                                 http::Head& head,
                                 base::Arena& arena);

// The same for any page: Content-Type and Date.
void render_page_head(uint16_t status,
                      std::string_view content_type,
                      http::Head& head,
                      base::Arena& arena);

// Whole responses for connections that are not served: 503, try again soon; and 400 for who speaks
// http where https is spoken.
[[nodiscard]] std::string_view busy_reply();
[[nodiscard]] std::string_view https_needed_reply();

}  // namespace local
