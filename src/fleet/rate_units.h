#pragma once

// A rate's time as the scripts count it, in whole numbers that doubles hold exactly: as policy/rate
// does, in units of which one of what is limited takes a whole number. Where more than one a
// microsecond may be had, the unit is the microsecond. Pure.

#include <algorithm>
#include <cstdint>

#include "base/divide.h"

namespace fleet {

// Value.
class RateUnits {
 public:
  // `per_minute` is at least 1.
  explicit constexpr RateUnits(int64_t per_minute)
      : per_minute_(per_minute),
        units_(per_minute > minute_us ? minute_us
                                      : per_minute * base::divide_up(minute_us, per_minute)) {}

  // In a minute, which is the whole bucket: at most 1.2e8.
  [[nodiscard]] constexpr int64_t a_minute() const { return units_; }
  // Nobody is in debt for more: a year.
  [[nodiscard]] constexpr int64_t debt_max() const { return units_ * debt_minutes_max; }
  // What so much takes, up to what can be owed.
  [[nodiscard]] constexpr int64_t of(int64_t amount) const {
    const int64_t owed = std::clamp<int64_t>(amount, 0, per_minute_ * debt_minutes_max);
    return owed / per_minute_ * units_ + base::divide_up(owed % per_minute_ * units_, per_minute_);
  }
  // How much can be had at once, so far ahead.
  [[nodiscard]] constexpr int64_t remaining(int64_t ahead) const {
    const int64_t left = std::clamp<int64_t>(units_ - ahead, 0, units_);
    return left * per_minute_ / units_;
  }
  [[nodiscard]] constexpr int64_t to_us(int64_t units) const {
    return units / units_ * minute_us + base::divide_up(units % units_ * minute_us, units_);
  }

 private:
  static constexpr int64_t minute_us = 60'000'000;
  static constexpr int64_t debt_minutes_max = 366 * 24 * 60;

  int64_t per_minute_;
  int64_t units_;
};

}  // namespace fleet
