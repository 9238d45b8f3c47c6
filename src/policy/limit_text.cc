#include "policy/limit_text.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/divide.h"

namespace policy {

std::string openai_duration(int64_t us) {
  const int64_t ms = base::divide_up(std::max<int64_t>(0, us), 1000);
  if (ms == 0) return "0s";
  if (ms < 1000) return fmt::format("{}ms", ms);
  std::string seconds = fmt::format("{}", ms / 1000 % 60);
  if (ms % 1000 != 0) {
    seconds += fmt::format(".{:03}", ms % 1000);
    seconds.erase(seconds.find_last_not_of('0') + 1);
  }
  const int64_t minutes = ms / 60'000;
  if (minutes == 0) return seconds + "s";
  if (minutes < 60) return fmt::format("{}m{}s", minutes, seconds);
  return fmt::format("{}h{}m{}s", minutes / 60, minutes % 60, seconds);
}

int64_t retry_after_s(int64_t us) {
  return std::max<int64_t>(1, base::divide_up(us, 1'000'000));
}

std::string utc_time(int64_t s) {
  using std::chrono::days;
  using std::chrono::seconds;
  const std::chrono::sys_seconds moment{seconds(s)};
  const auto day = std::chrono::floor<days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                     static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()),
                     time.hours().count(),
                     time.minutes().count(),
                     time.seconds().count());
}

}  // namespace policy
