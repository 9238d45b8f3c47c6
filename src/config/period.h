#pragma once

// How long a limit counts before it begins anew.

#include <cstdint>

namespace config {

// Value. A part of the calendar, or so many seconds from the first use.
struct Period {
  enum class Kind : uint8_t { rolling, day, week, month };
  static constexpr uint32_t rolling_s_min = 60;
  static constexpr uint32_t rolling_s_max = 366 * 24 * 3600;

  Kind kind = Kind::day;
  uint32_t rolling_s = 0;  // of Kind::rolling, 0 for others

  bool operator==(const Period&) const = default;
};

}  // namespace config
