#pragma once

// The clocks that limits are told by, where no loop's own is at hand. Neither is a system call.

#include <cstdint>
#include <ctime>

namespace policy {

using Clock = int64_t (*)();

// Microseconds of the loops' clock, which does not go back. For Rate.
[[nodiscard]] inline int64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

// Seconds since 1970. For Window.
[[nodiscard]] inline int64_t realtime_s() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

}  // namespace policy
