#include "policy/window.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "at_once.h"
#include "policy/calendar.h"
#include "policy/clock.h"
#include "policy/reservation.h"

using base::TimeZone;
using config::Period;
using policy::Window;

namespace {

constexpr Period day{.kind = Period::Kind::day};
constexpr Period week{.kind = Period::Kind::week};
constexpr Period month{.kind = Period::Kind::month};
constexpr Period five_hours{.kind = Period::Kind::rolling, .rolling_s = 5 * 3600};

const TimeZone utc;

int64_t at(int year, unsigned month_number, unsigned day_number, int hour = 0, int minute = 0) {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace)
  const sys_days date =
      std::chrono::year(year) / std::chrono::month(month_number) / std::chrono::day(day_number);
  return duration_cast<seconds>(date.time_since_epoch()).count() + hour * 3600 + minute * 60;
}

bool has_zoneinfo() {
  if (access("/usr/share/zoneinfo/America/New_York", R_OK) == 0) return true;
  MESSAGE("skipped: there is no zoneinfo here (package tzdata)");
  return false;
}

struct CalendarCase {
  Period::Kind kind;
  int64_t now_s, begun_s, ends_s;
};

void check_calendar(const TimeZone& zone, const std::vector<CalendarCase>& cases) {
  for (const CalendarCase& its : cases) {
    CAPTURE(its.now_s);
    const auto bounds = policy::calendar_bounds(its.kind, zone, its.now_s);
    CHECK(bounds.begun_s == its.begun_s);
    CHECK(bounds.ends_s == its.ends_s);
  }
}

}  // namespace

TEST_CASE("days, weeks and months in UTC") {
  check_calendar(utc,
                 {{day.kind, at(2026, 11, 28, 16), at(2026, 11, 28), at(2026, 11, 29)},
                  {day.kind, at(2026, 11, 28), at(2026, 11, 28), at(2026, 11, 29)},
                  {day.kind, at(2026, 11, 29) - 1, at(2026, 11, 28), at(2026, 11, 29)},
                  {day.kind, at(2028, 2, 29, 12), at(2028, 2, 29), at(2028, 3, 1)},
                  {week.kind, at(2026, 11, 28, 16), at(2026, 11, 23), at(2026, 11, 30)},
                  {week.kind, at(2026, 11, 30), at(2026, 11, 30), at(2026, 12, 7)},
                  {week.kind, at(2026, 11, 30) - 1, at(2026, 11, 23), at(2026, 11, 30)},
                  {week.kind, at(2027, 1, 1), at(2026, 12, 28), at(2027, 1, 4)},
                  {month.kind, at(2026, 11, 28), at(2026, 11, 1), at(2026, 12, 1)},
                  {month.kind, at(2026, 12, 31, 23, 59), at(2026, 12, 1), at(2027, 1, 1)},
                  {month.kind, at(2027, 2, 28, 23), at(2027, 2, 1), at(2027, 3, 1)},
                  {month.kind, at(2028, 2, 29, 23), at(2028, 2, 1), at(2028, 3, 1)},
                  {month.kind, at(2100, 2, 28, 23), at(2100, 2, 1), at(2100, 3, 1)}});
}

TEST_CASE("a fixed distance from UTC, and Shanghai") {
  std::vector<TimeZone> zones = {*TimeZone::load("+08:00")};
  if (has_zoneinfo()) zones.push_back(*TimeZone::load("Asia/Shanghai"));
  for (const TimeZone& zone : zones) {
    check_calendar(
        zone,
        {{day.kind, at(2026, 11, 28, 15, 59), at(2026, 11, 27, 16), at(2026, 11, 28, 16)},
         {day.kind, at(2026, 11, 28, 16), at(2026, 11, 28, 16), at(2026, 11, 29, 16)},
         {week.kind, at(2026, 11, 29, 16), at(2026, 11, 29, 16), at(2026, 12, 6, 16)},
         {month.kind, at(2026, 11, 30, 16), at(2026, 11, 30, 16), at(2026, 12, 31, 16)}});
  }
}

TEST_CASE("where clocks are set forward and back, a day has 23 or 25 hours") {
  if (!has_zoneinfo()) return;
  check_calendar(*TimeZone::load("America/New_York"),
                 {{day.kind, at(2026, 3, 8, 12), at(2026, 3, 8, 5), at(2026, 3, 9, 4)},
                  {day.kind, at(2026, 11, 1, 6, 30), at(2026, 11, 1, 4), at(2026, 11, 2, 5)},
                  {week.kind, at(2026, 3, 8, 12), at(2026, 3, 2, 5), at(2026, 3, 9, 4)},
                  {month.kind, at(2026, 3, 20), at(2026, 3, 1, 5), at(2026, 4, 1, 4)},
                  {month.kind, at(2026, 11, 20), at(2026, 11, 1, 4), at(2026, 12, 1, 5)}});
}

TEST_CASE("a midnight that is skipped or comes twice, and a day that never was") {
  if (!has_zoneinfo()) return;
  // Havana goes from 00:00 to 01:00, and from 01:00 back to 00:00.
  check_calendar(*TimeZone::load("America/Havana"),
                 {{day.kind, at(2019, 3, 10, 4, 59), at(2019, 3, 9, 5), at(2019, 3, 10, 5)},
                  {day.kind, at(2019, 3, 10, 5), at(2019, 3, 10, 5), at(2019, 3, 11, 4)},
                  {day.kind, at(2019, 11, 3, 5, 30), at(2019, 11, 3, 4), at(2019, 11, 4, 5)}});
  // St. John's went from 00:01 back to 23:01 of the day before.
  check_calendar(
      *TimeZone::load("America/St_Johns"),
      {{day.kind, at(2010, 11, 7, 2, 29), at(2010, 11, 6, 2, 30), at(2010, 11, 7, 2, 30)},
       {day.kind, at(2010, 11, 7, 2, 45), at(2010, 11, 7, 2, 30), at(2010, 11, 8, 3, 30)},
       {day.kind, at(2010, 11, 7, 4), at(2010, 11, 7, 2, 30), at(2010, 11, 8, 3, 30)}});
  // Apia had no 30 December 2011.
  check_calendar(*TimeZone::load("Pacific/Apia"),
                 {{day.kind, at(2011, 12, 30, 9, 59), at(2011, 12, 29, 10), at(2011, 12, 30, 10)},
                  {day.kind, at(2011, 12, 30, 10), at(2011, 12, 30, 10), at(2011, 12, 31, 10)}});
}

TEST_CASE("every moment is in the part of the calendar that is said to hold it, without gaps") {
  if (!has_zoneinfo()) return;
  for (const char* name : {"America/New_York",
                           "America/Havana",
                           "America/St_Johns",
                           "Pacific/Apia",
                           "Asia/Gaza",
                           "Africa/Casablanca",
                           "Australia/Lord_Howe"}) {
    const auto zone = TimeZone::load(name);
    if (!zone) continue;
    for (const auto kind : {Period::Kind::day, Period::Kind::week, Period::Kind::month}) {
      for (int64_t now_s = at(2008, 1, 1), end_s = at(2030, 1, 1); now_s < end_s;) {
        const auto bounds = policy::calendar_bounds(kind, *zone, now_s);
        const auto last = policy::calendar_bounds(kind, *zone, bounds.ends_s - 1);
        const bool holds = bounds.begun_s <= now_s && now_s < bounds.ends_s &&
                           last.begun_s == bounds.begun_s && last.ends_s == bounds.ends_s;
        if (!holds) FAIL(name << " " << now_s);
        now_s = bounds.ends_s;
      }
    }
  }
}

TEST_CASE("a window counts to its limit and begins anew when it ends") {
  Window window(3, day, utc);
  const int64_t now_s = at(2026, 11, 28, 16);
  for (int64_t left : {2, 1, 0}) {
    const auto decision = window.reserve(1, now_s);
    CHECK(decision.is_granted);
    CHECK(decision.remaining == left);
    CHECK(decision.resets_s == at(2026, 11, 29));
    window.settle(decision.ticket, 1, now_s);
  }
  const auto refused = window.reserve(1, at(2026, 11, 29) - 1);
  CHECK_FALSE(refused.is_granted);
  CHECK(refused.remaining == 0);
  CHECK(refused.resets_s == at(2026, 11, 29));
  CHECK_FALSE(window.look(0, now_s).is_granted);
  CHECK(window.used(now_s) == 3);
  CHECK(window.look(1, at(2026, 11, 29)).is_granted);
  CHECK(window.reserve(1, at(2026, 11, 29)).remaining == 2);
}

TEST_CASE("a rolling window begins with its first use") {
  Window window(100, five_hours, utc);
  CHECK(window.look(10, 1'000'000).resets_s == 0);
  CHECK(window.state(1'000'000).begun_s == 0);
  const auto first = window.reserve(100, 1'000'000);
  CHECK(first.resets_s == 1'018'000);
  CHECK_FALSE(window.reserve(1, 1'017'999).is_granted);
  CHECK(window.look(1, 1'018'000).is_granted);
  CHECK(window.look(1, 1'018'000).resets_s == 0);
  const auto second = window.reserve(1, 1'020'000);
  CHECK(second.is_granted);
  CHECK(second.resets_s == 1'038'000);
}

TEST_CASE("what is reserved is settled to what it came to") {
  Window window(1000, day, utc);
  const int64_t now_s = at(2026, 11, 28, 16);
  const auto first = window.reserve(900, now_s);
  CHECK_FALSE(window.reserve(200, now_s).is_granted);
  CHECK(window.state(now_s).used == 0);  // none of it is used yet
  window.settle(first.ticket, 100, now_s);
  CHECK(window.used(now_s) == 100);
  CHECK(window.state(now_s).used == 100);
  const auto second = window.reserve(900, now_s);
  CHECK(second.is_granted);
  window.settle(second.ticket, 1500, now_s);  // in debt
  CHECK(window.look(1, now_s).remaining == 0);
  CHECK_FALSE(window.reserve(1, now_s).is_granted);
  CHECK(window.state(now_s).used == 1600);
}

TEST_CASE("what costs more than the limit passes when nothing is used") {
  Window window(1000, day, utc);
  const int64_t now_s = at(2026, 11, 28, 16);
  const auto decision = window.reserve(5'000, now_s);
  CHECK(decision.is_granted);
  CHECK(decision.ticket.cost == 1000);
  window.settle(decision.ticket, 1, now_s);
  CHECK_FALSE(window.reserve(5'000, now_s).is_granted);
}

TEST_CASE("what is settled when its window is over counts there, and what came on top counts now") {
  Window window(1000, day, utc);
  const auto less = window.reserve(300, at(2026, 11, 28, 23));
  const auto more = window.reserve(300, at(2026, 11, 28, 23));
  window.settle(less.ticket, 10, at(2026, 11, 29, 1));
  CHECK(window.used(at(2026, 11, 29, 1)) == 0);
  window.settle(more.ticket, 350, at(2026, 11, 29, 1));
  CHECK(window.used(at(2026, 11, 29, 1)) == 50);
  CHECK(window.state(at(2026, 11, 29, 1)).begun_s == at(2026, 11, 29));
}

TEST_CASE("a window outlives its process while it lasts") {
  const int64_t now_s = at(2026, 11, 28, 16);
  Window window(100, day, utc);
  CHECK(window.add({at(2026, 11, 28), 70}, now_s));
  CHECK(window.look(0, now_s).remaining == 30);
  CHECK(window.add({at(2026, 11, 28), 5}, now_s));  // of another process beside this
  CHECK(window.look(0, now_s).remaining == 25);
  CHECK(window.state(now_s).used == 75);
  CHECK_FALSE(window.add({at(2026, 11, 27), 5}, now_s));

  Window yesterdays(100, day, utc);
  CHECK_FALSE(yesterdays.add({at(2026, 11, 27), 70}, now_s));
  CHECK(yesterdays.look(0, now_s).remaining == 100);

  Window rolling(100, five_hours, utc);
  CHECK(rolling.add({now_s - 3600, 70}, now_s));
  CHECK(rolling.look(0, now_s).resets_s == now_s + 4 * 3600);
  CHECK(rolling.look(0, now_s).remaining == 30);
  Window ended(100, five_hours, utc);
  CHECK_FALSE(ended.add({now_s - 5 * 3600, 70}, now_s));
}

TEST_CASE("a clock that is set back gives nobody a fresh budget, nor holds one for years") {
  Window window(100, day, utc);
  const auto decision = window.reserve(80, at(2036, 1, 1, 12));
  window.settle(decision.ticket, 80, at(2036, 1, 1, 12));
  const auto next = window.reserve(10, at(2026, 11, 28, 16));
  CHECK(next.remaining == 10);
  CHECK(next.resets_s == at(2026, 11, 29));
  // A worker that is a moment behind the one that began the day is no such clock.
  Window fresh(100, day, utc);
  const auto first = fresh.reserve(10, at(2026, 11, 28));
  CHECK(fresh.reserve(10, at(2026, 11, 28) - 1).resets_s == first.resets_s);
  CHECK(fresh.used(at(2026, 11, 28)) == 20);
}

TEST_CASE("a forgotten reservation of a window gives all back") {
  Window window(100, day, utc);
  const policy::Clock clock = [] {
    return at(2026, 11, 28, 16);
  };
  {
    const policy::Reservation held(window, window.reserve(100, clock()).ticket, clock);
    CHECK_FALSE(window.look(1, clock()).is_granted);
  }
  CHECK(window.look(100, clock()).is_granted);
}

TEST_CASE("two threads, fifty at once, a limit of ten: ten pass, a thousand times") {
  constexpr size_t rounds = 1000;
  std::vector<std::unique_ptr<Window>> windows;
  for (size_t round = 0; round < rounds; ++round)
    windows.push_back(std::make_unique<Window>(10, day, utc));
  std::vector<std::atomic<int>> passed(rounds);
  test::at_once(2, rounds, [&](size_t round) {
    for (int i = 0; i < 25; ++i) {
      if (windows[round]->reserve(1, at(2026, 11, 28, 16)).is_granted) passed[round].fetch_add(1);
    }
  });
  CHECK(std::all_of(passed.begin(), passed.end(), [](const auto& each) { return each == 10; }));
}

TEST_CASE("threads that ask for long at the same time get the limit, exactly") {
  constexpr int limit = 1'000'000;
  Window window(limit, day, utc);
  std::atomic<int> passed{0};
  test::at_once(2, 1, [&](size_t) {
    for (int i = 0; i < limit; ++i) {
      if (window.reserve(1, at(2026, 11, 28, 16)).is_granted) passed.fetch_add(1);
    }
  });
  CHECK(passed == limit);
}

TEST_CASE("threads that cross from window to window lose nothing of what is used") {
  constexpr Period minute{.kind = Period::Kind::rolling, .rolling_s = 60};
  Window window(1'000'000'000, minute, utc);
  std::atomic<int64_t> ticks{50'000};
  const auto run = [](const auto& work) {
    std::vector<std::thread> workers;
    for (int worker = 0; worker < 4; ++worker)
      workers.emplace_back(work);
    for (auto& worker : workers)
      worker.join();
  };
  run([&] {
    for (int i = 0; i < 10'000; ++i) {
      const int64_t now_s = ticks.fetch_add(1) / 50;
      window.settle(window.reserve(3, now_s).ticket, 2, now_s);
    }
  });
  const int64_t now_s = ticks / 50;
  CHECK(window.used(now_s) == window.state(now_s).used);
  CHECK(window.used(now_s) <= 2 * 60 * 50);

  // All begin the same one.
  run([&] {
    for (int i = 0; i < 1000; ++i)
      window.settle(window.reserve(3, 1'000'000).ticket, 2, 1'000'000);
  });
  CHECK(window.state(1'000'000).used == 8000);
  CHECK(window.used(1'000'000) == 8000);
}

TEST_CASE("what others let pass is recorded, beyond the limit where it must") {
  const int64_t now = at(2026, 11, 28);
  Window window(10, five_hours, utc);
  for (int i = 0; i < 3; ++i)
    CHECK(window.record(4, now).cost == 4);
  CHECK(window.used(now) == 12);
  CHECK_FALSE(window.reserve(1, now).is_granted);
  const Window::Ticket ticket = window.record(4, now);
  window.settle(ticket, 1, now);
  CHECK(window.used(now) == 13);
  CHECK(window.state(now).used == 1);
}
