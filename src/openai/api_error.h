#pragma once

// An error in the API's own shape, so that SDKs raise the exception that is meant. Whoever finds
// that a request cannot be served says so with one; local/local_reply makes the response of it.

#include <cstdint>
#include <string_view>

namespace openai {

// What an SDK should do about it: they obey x-should-retry, then Retry-After.
enum class RetryAdvice : uint8_t { unsaid, soon, never };

// Value. The texts outlive it: static ones, or copies in the arena of the request it answers.
struct ApiError {
  uint16_t status;
  std::string_view type;     // the API's: invalid_request_error, server_error …
  std::string_view code;     // ours, for programs
  std::string_view message;  // for the person: what happened and what to do
  RetryAdvice retry = RetryAdvice::unsaid;
};

}  // namespace openai
