#include "base/time_text.h"

#include <ctime>
#include <fmt/format.h>
#include <iterator>

namespace base {

uint64_t unix_now_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

void append_time(std::string& out, uint64_t unix_time_ms) {
  const auto seconds = static_cast<time_t>(unix_time_ms / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  fmt::format_to(std::back_inserter(out),
                 "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 utc.tm_year + 1900,
                 utc.tm_mon + 1,
                 utc.tm_mday,
                 utc.tm_hour,
                 utc.tm_min,
                 utc.tm_sec,
                 unix_time_ms % 1000);
}

}  // namespace base
