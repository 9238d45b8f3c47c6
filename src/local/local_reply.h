#pragma once

// The answers we make ourselves, in the API's own error shape, so that SDKs raise the right
// exception.

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "http/head.h"

namespace proxy {

// What an SDK should do about it: they obey x-should-retry, then Retry-After.
enum class RetryAdvice : uint8_t { unsaid, soon, never };

// Value of static texts.
struct LocalError {
  uint16_t status;
  std::string_view type;     // the API's: invalid_request_error, server_error …
  std::string_view code;     // ours, for programs
  std::string_view message;  // for the person: what happened and what to do
  RetryAdvice retry = RetryAdvice::unsaid;
};

// The answer for an upstream that could not be reached or failed before its response head.
[[nodiscard]] LocalError error_for_upstream(base::Error error);

// The answer for a request the parser refused.
[[nodiscard]] LocalError error_for_request(uint16_t status, std::string_view why);

// Fills `head` with the error's response head and returns its JSON body, both in `arena`.
[[nodiscard]] base::Bytes render(const LocalError& error,
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

}  // namespace proxy
