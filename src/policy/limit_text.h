#pragma once

// How limits are written in heads of answers: OpenAI's form of durations.

#include <cstdint>
#include <string>

namespace policy {

// "12ms", "1.5s", "6m0s", "1h0m0s": as x-ratelimit-reset-* have it. Rounded up to milliseconds;
// nothing below 0.
[[nodiscard]] std::string openai_duration(int64_t us);

// Whole seconds for Retry-After (RFC 9110 10.2.3), rounded up and at least 1: who comes back a
// moment early is refused again.
[[nodiscard]] int64_t retry_after_s(int64_t us);

// "2026-11-28T16:00:00Z" (RFC 3339): when a window resets.
[[nodiscard]] std::string utc_time(int64_t s);

}  // namespace policy
