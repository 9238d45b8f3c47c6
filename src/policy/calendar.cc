#include "policy/calendar.h"

#include <chrono>
#include <tuple>

namespace policy {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_days;

// The first day of the part of the calendar that `day` is in, and of the one behind it.
std::tuple<sys_days, sys_days> part_with(config::Period::Kind kind, sys_days day) {
  if (kind == config::Period::Kind::month) {
    const std::chrono::year_month_day date(day);
    const auto month = date.year() / date.month();
    return {sys_days(month / 1), sys_days((month + std::chrono::months(1)) / 1)};
  }
  if (kind == config::Period::Kind::week) {
    const sys_days monday = day - (std::chrono::weekday(day) - std::chrono::Monday);
    return {monday, monday + days(7)};
  }
  return {day, day + days(1)};
}

int64_t first_moment(const base::TimeZone& zone, sys_days day) {
  return zone.first_moment_of(seconds(day.time_since_epoch()).count());
}

}  // namespace

Bounds calendar_bounds(config::Period::Kind kind, const base::TimeZone& zone, int64_t now_s) {
  const int64_t local_s = now_s + zone.at(now_s).seconds;
  const sys_days today = floor<days>(std::chrono::sys_seconds(seconds(local_s)));
  auto [first, behind] = part_with(kind, today);
  if (now_s >= first_moment(zone, behind)) {
    // Clocks were set back over midnight: it is the former day again, which is over.
    std::tie(first, behind) = part_with(kind, behind);
  }
  return {first_moment(zone, first), first_moment(zone, behind)};
}

}  // namespace policy
