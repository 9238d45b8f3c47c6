#pragma once

// The clocks of a place: how far they are from UTC, and until when. Read from the system's zoneinfo
// (TZif, RFC 9636), since the C library knows one zone at a time, and a static program's none
// that is set later. Fixed distances need no files.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/zone_rule.h"

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

  // From the bytes of a TZif file, without a name; nothing where they are none.
  [[nodiscard]] static std::optional<TimeZone> parse(std::string_view file);

  // Whether `name` could be one, as load() takes it.
  [[nodiscard]] static bool is_name(std::string_view name);

  // At `utc_s`, seconds since 1970.
  [[nodiscard]] ZoneOffset at(int64_t utc_s) const;
  // The first moment at which clocks show `local_s` or later: where that is skipped, when they are
  // set forward; where it comes twice, the first.
  [[nodiscard]] int64_t first_moment_of(int64_t local_s) const;

  // As load() was given it.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Change {
    int64_t at_s = 0;
    int64_t offset_s = 0;
  };
  friend class ZoneFile;

  std::string name_ = "UTC";
  int64_t first_offset_s_ = 0;    // before the first change
  std::vector<Change> changes_;   // rising
  std::optional<ZoneRule> rule_;  // after the last change
};

}  // namespace base
