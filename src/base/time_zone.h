#pragma once

// The clocks of a place: how far they are from UTC, and until when. Read from the system's zoneinfo
// (TZif, RFC 9636), since the C library knows one zone at a time, and a static program's none
// that is set later. Fixed distances need no files.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace base {

// Value, never changed after load(); any thread.
class TimeZone {
 public:
  static constexpr std::string_view system_folder = "/usr/share/zoneinfo";

  // UTC.
  TimeZone() = default;

  // "Asia/Shanghai", "UTC", "+08:00", "UTC+8". The error is a sentence: no such zone, or nothing
  // there to look it up in, and what to write or install. Blocks: reads a file of `folder`.
  [[nodiscard]] static Result<TimeZone, std::string> load(std::string_view name,
                                                          std::string_view folder = system_folder);

  // Value. What clocks show is UTC and this.
  struct Offset {
    int64_t seconds = 0;
    int64_t until_s = INT64_MAX;  // the first moment at which it may be another
  };
  // At `utc_s`, seconds since 1970.
  [[nodiscard]] Offset at(int64_t utc_s) const;
  // The first moment at which clocks show `local_s` or later: where that is skipped, when they are
  // set forward; where it comes twice, the first.
  [[nodiscard]] int64_t first_moment_of(int64_t local_s) const;

  // As load() was given it.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  // A change that comes every year (POSIX TZ): seconds from the year's beginning are worked out for
  // each year.
  struct Yearly {
    enum class Kind : uint8_t { julian, day, weekday } kind = Kind::day;
    int32_t month = 0, week = 0, day = 0;
    int64_t time_s = 0;
  };
  // What holds after the last of the file's changes.
  struct Rule {
    int64_t standard_s = 0;
    bool has_summer = false;
    int64_t summer_s = 0;
    Yearly begins, ends;
  };
  struct Change {
    int64_t at_s = 0;
    int64_t offset_s = 0;
  };
  friend class ZoneFile;

  [[nodiscard]] static int64_t in_year(const Yearly& yearly, int64_t year);
  [[nodiscard]] Offset by_rule(int64_t utc_s) const;

  std::string name_ = "UTC";
  int64_t first_offset_s_ = 0;   // before the first change
  std::vector<Change> changes_;  // rising
  std::optional<Rule> rule_;
};

}  // namespace base
