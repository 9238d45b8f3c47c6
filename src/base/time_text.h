#pragma once

// Moments of the system's clock as text.

#include <cstdint>
#include <string>

namespace base {

// Milliseconds since 1970, now.
[[nodiscard]] uint64_t unix_now_ms();

// Appends "2026-11-23T17:08:06.397Z" (RFC 3339), as logs have it.
void append_time(std::string& out, uint64_t unix_time_ms);

}  // namespace base
