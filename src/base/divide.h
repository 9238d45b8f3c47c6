#pragma once

// Whole numbers, rounded the other way.

#include <cstdint>

namespace base {

// value / by, rounded up. `by` is positive.
[[nodiscard]] constexpr int64_t divide_up(int64_t value, int64_t by) {
  return value / by + (value % by > 0 ? 1 : 0);
}

}  // namespace base
