#pragma once

// The rule by which a place sets its clocks forward and back every year, as POSIX writes it in TZ
// ("CET-1CEST,M3.5.0,M10.5.0/3") and TZif files at their end (RFC 9636 3.3.1).

#include <cstdint>
#include <optional>
#include <string_view>

namespace base {

// Value. What clocks show is UTC and `seconds`.
struct ZoneOffset {
  int64_t seconds = 0;
  int64_t until_s = INT64_MAX;  // since 1970: the first moment at which it may be another
};

// Value.
class ZoneRule {
 public:
  // Nothing where it is no such rule.
  [[nodiscard]] static std::optional<ZoneRule> parse(std::string_view text);

  // At `utc_s`, seconds since 1970.
  [[nodiscard]] ZoneOffset at(int64_t utc_s) const;

 private:
  // A moment of every year: a day from 0 (n), one from 1 that knows no leap days (Jn), or a weekday
  // of a month (Mm.w.d), and a time from its midnight.
  struct Yearly {
    enum class Kind : uint8_t { day, day_without_leap, weekday };
    Kind kind = Kind::day;
    int month = 0;
    int week = 0;
    int day = 0;
    int64_t time_s = 0;

    // In seconds from 1970 on that year's own clocks.
    [[nodiscard]] int64_t in(int year) const;
  };
  class Reader;

  int64_t standard_s_ = 0;
  bool has_summer_ = false;
  int64_t summer_s_ = 0;
  Yearly begins_;  // summer, by standard time
  Yearly ends_;    // by summer time
};

}  // namespace base
