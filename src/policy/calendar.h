#pragma once

// When a day, a week or a month begins and ends in a time zone, with all that clocks set forward
// and back do to it. Pure.

#include <cstdint>

#include "base/time_zone.h"
#include "config/period.h"

namespace policy {

// Value. Seconds since 1970; `ends_s` is the first that no longer belongs to it.
struct Bounds {
  int64_t begun_s = 0;
  int64_t ends_s = 0;
};

// Of the day, the week (from Monday) or the month that `now_s` is in. A day begins with its first
// moment, also where its midnight is skipped or comes twice.
[[nodiscard]] Bounds calendar_bounds(config::Period::Kind kind,
                                     const base::TimeZone& zone,
                                     int64_t now_s);

}  // namespace policy
