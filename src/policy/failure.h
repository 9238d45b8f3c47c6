#pragma once

// What a client is told when its request cannot be served.

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "openai/api_error.h"
#include "policy/retry.h"

namespace policy {

// Of a request that is back at the proxy it came from.
inline constexpr openai::ApiError loop_detected = {
    508,
    "invalid_request_error",
    "loop_detected",
    "The upstream of this proxy leads back to the proxy itself; its operator should check the "
    "upstream's URL.",
    openai::RetryAdvice::never};

// For an upstream that could not be reached. Who was tried twice is not to try a third time.
[[nodiscard]] openai::ApiError error_for_upstream(base::Error error, bool was_retry);

// For one that failed with the request, before its response head, and is not tried again.
[[nodiscard]] openai::ApiError error_for_lost(const FailedAttempt& attempt, base::Error error);

// For one that did not answer in time.
[[nodiscard]] openai::ApiError error_for_silence();

// For a request that the parser refused.
[[nodiscard]] openai::ApiError error_for_request(uint16_t status, std::string_view why);

}  // namespace policy
