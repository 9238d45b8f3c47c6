#include "base/time_zone.h"

#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "support/files.h"

using base::TimeZone;

namespace {

bool has_zoneinfo() {
  if (access("/usr/share/zoneinfo/America/New_York", R_OK) == 0) return true;
  MESSAGE("skipped: there is no zoneinfo here (package tzdata)");
  return false;
}

TimeZone zone_of(const std::string& name) {
  auto zone = TimeZone::load(name);
  REQUIRE(zone);
  return *zone;
}

// The C library's idea of it, one zone at a time.
class SystemZone {
 public:
  explicit SystemZone(const std::string& name) {
    const char* former = std::getenv("TZ");
    if (former != nullptr) former_ = former;
    setenv("TZ", (":" + name).c_str(), 1);
    tzset();
  }
  ~SystemZone() {
    if (former_.empty()) {
      unsetenv("TZ");
    } else {
      setenv("TZ", former_.c_str(), 1);
    }
    tzset();
  }
  SystemZone(const SystemZone&) = delete;
  SystemZone& operator=(const SystemZone&) = delete;
  SystemZone(SystemZone&&) = delete;
  SystemZone& operator=(SystemZone&&) = delete;

  static int64_t offset(int64_t utc_s) {
    const auto moment = static_cast<time_t>(utc_s);
    tm local{};
    localtime_r(&moment, &local);
    return local.tm_gmtoff;
  }

 private:
  std::string former_;
};

std::string big_endian(int64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i)
    text += static_cast<char>(static_cast<uint64_t>(value) >> static_cast<unsigned>(8 * i));
  return text;
}

// A TZif file of version 2 with one change, from `before_s` to `after_s` at `at_s`, and a rule.
std::string file_of(int64_t at_s, int64_t before_s, int64_t after_s, const std::string& rule) {
  const std::string head("TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  std::string text = head + std::string(24, '\0') + head;
  for (const int64_t count : {0, 0, 0, 1, 2, 4})
    text += big_endian(count, 4);
  text += big_endian(at_s, 8) + '\1';
  text += big_endian(before_s, 4) + std::string("\0\0", 2);
  text += big_endian(after_s, 4) + std::string("\0\0", 2);
  text += std::string("ABC\0", 4);
  return text + "\n" + rule + "\n";
}

}  // namespace

TEST_CASE("fixed distances need no files") {
  struct Case {
    const char* name;
    int64_t seconds;
  };
  for (const Case& its : {Case{"UTC", 0},
                          {"Z", 0},
                          {"+08:00", 8 * 3600},
                          {"+0530", 5 * 3600 + 1800},
                          {"-03", -3 * 3600},
                          {"UTC+8", 8 * 3600},
                          {"GMT-3:30", 0},
                          {"UTC-03:30", -(3 * 3600 + 1800)}}) {
    CAPTURE(its.name);
    const auto zone = TimeZone::load(its.name, "/nowhere");
    if (its.seconds == 0 && its.name[0] == 'G') {
      CHECK_FALSE(zone);
      continue;
    }
    REQUIRE(zone);
    CHECK(zone->name() == its.name);
    CHECK(zone->at(0).seconds == its.seconds);
    CHECK(zone->at(4'000'000'000).seconds == its.seconds);
    CHECK(zone->first_moment_of(1'000'000) == 1'000'000 - its.seconds);
  }
  CHECK(TimeZone().name() == "UTC");
}

TEST_CASE("an error says what to do") {
  const auto unknown = TimeZone::load("Asia/Shangai", "/usr/share");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().find("there is no time zone Asia/Shangai in /usr/share") == 0);
  const auto no_folder = TimeZone::load("Asia/Shanghai", "/nowhere");
  REQUIRE_FALSE(no_folder);
  CHECK(no_folder.error().find("install the package tzdata") != std::string::npos);
  for (const char* name : {"", "../passwd", "/etc/localtime", "a b", "+15:00"}) {
    CAPTURE(name);
    const auto none = TimeZone::load(name);
    REQUIRE_FALSE(none);
    CHECK(none.error().find('"' + std::string(name) + "\" is no time zone") == 0);
  }
  const auto folder = TimeZone::load("share", "/usr");
  CHECK_FALSE(folder);
}

TEST_CASE("a file with one change and a rule for all years behind it") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "One", file_of(1'000'000'000, 600, 3600, "CET-1CEST,M3.5.0,M10.5.0/3"));
  const auto zone = TimeZone::load("One", folder.path());
  REQUIRE(zone);
  CHECK(zone->at(0).seconds == 600);
  CHECK(zone->at(0).until_s == 1'000'000'000);
  CHECK(zone->at(999'999'999).seconds == 600);
  CHECK(zone->at(1'000'000'000).seconds == 7200);  // 2001-09-09: summer, says the rule
  CHECK(zone->at(1'774'746'000 - 1).seconds == 3600);
  CHECK(zone->at(1'774'746'000 - 1).until_s == 1'774'746'000);
  CHECK(zone->at(1'774'746'000).seconds == 7200);  // 2026-03-29 01:00 UTC
  CHECK(zone->at(1'774'746'000).until_s == 1'792'890'000);
  CHECK(zone->at(1'792'890'000).seconds == 3600);  // 2026-10-25 01:00 UTC
}

TEST_CASE("a damaged file is refused, wherever it ends and whatever is in it") {
  const std::string rule = "EST5EDT,M3.2.0,M11.1.0";
  const std::string whole = file_of(1'000'000'000, 0, 3600, rule);
  REQUIRE(TimeZone::parse(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    // Without its last line a file still has its changes.
    const bool is_zone = size == whole.size() - rule.size() - 2;
    if (TimeZone::parse(whole.substr(0, size)).has_value() != is_zone) FAIL(size);
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string broken = whole;
    for (int n = 0; n < 3; ++n)
      broken[random() % broken.size()] = static_cast<char>(random());
    const auto zone = TimeZone::parse(broken);
    if (zone) (void)zone->at(1'764'000'000);
  }
  const test::TemporaryFolder folder;
  test::write_file(folder / "Text",
                   "This is no time zone, but long enough for one that it could be.");
  const auto text = TimeZone::load("Text", folder.path());
  REQUIRE_FALSE(text);
  CHECK(text.error().find("/Text is no time zone's file") != std::string::npos);
}

TEST_CASE("rules that are none are refused") {
  for (const char* rule : {"C",
                           "CET",
                           "CET-1CEST",
                           "CET-1CEST,M3.5.0",
                           "CET-1CEST,M13.5.0,M10.5.0",
                           "CET-1CEST,M3.5.0,M10.5.0x",
                           "<+08-8",
                           "CET-1CEST,J0,J1",
                           "CET-200"}) {
    CAPTURE(rule);
    CHECK_FALSE(base::ZoneRule::parse(rule));
  }
  for (const char* rule : {"CET-1",
                           "<+08>-8",
                           "CET-1CEST,M3.5.0,M10.5.0/3",
                           "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                           "IST-2IDT,M3.4.4/26,M10.5.0",
                           "XXX3EDT4,0/0,J365/23",
                           "EST5EDT4:30,J60,300/1:30:15"}) {
    CAPTURE(rule);
    CHECK(base::ZoneRule::parse(rule));
  }
}

TEST_CASE("every clock is as far from UTC as the C library says") {
  if (!has_zoneinfo()) return;
  std::mt19937_64 random(20261128);
  for (const char* name :
       {"Asia/Shanghai",       "America/New_York", "Europe/Berlin",   "Europe/Dublin",
        "Africa/Casablanca",   "Africa/Cairo",     "Asia/Kolkata",    "Asia/Kathmandu",
        "Australia/Lord_Howe", "Pacific/Apia",     "America/Havana",  "America/St_Johns",
        "America/Sao_Paulo",   "Asia/Gaza",        "Asia/Tehran",     "America/Nuuk",
        "Antarctica/Troll",    "Etc/GMT-14",       "Pacific/Chatham", "Asia/Jerusalem"}) {
    CAPTURE(name);
    const auto zone = TimeZone::load(name);
    if (!zone) {
      MESSAGE("not here: ", name);
      continue;
    }
    const SystemZone system(name);
    for (int i = 0; i < 3000; ++i) {
      const int64_t utc_s = static_cast<int64_t>(random() % 4'700'000'000) - 600'000'000;
      if (zone->at(utc_s).seconds != SystemZone::offset(utc_s)) FAIL(utc_s);
    }
    // Around each change.
    for (int64_t utc_s = 0; utc_s < 4'000'000'000;) {
      const int64_t until_s = zone->at(utc_s).until_s;
      if (until_s > 4'000'000'000) break;
      REQUIRE(until_s > utc_s);
      if (zone->at(until_s - 1).seconds != SystemZone::offset(until_s - 1)) FAIL(until_s);
      if (zone->at(until_s).seconds != SystemZone::offset(until_s)) FAIL(until_s);
      utc_s = until_s;
    }
  }
}

TEST_CASE("a local time that is skipped or comes twice") {
  if (!has_zoneinfo()) return;
  const TimeZone zone = zone_of("America/New_York");
  constexpr int64_t forward_s = 1'772'953'200;  // 2026-03-08 07:00 UTC, 02:00 -> 03:00
  constexpr int64_t back_s = 1'793'512'800;     // 2026-11-01 06:00 UTC, 02:00 -> 01:00
  CHECK(zone.first_moment_of(forward_s - 5 * 3600 - 1) == forward_s - 1);
  CHECK(zone.first_moment_of(forward_s - 5 * 3600) == forward_s);
  CHECK(zone.first_moment_of(forward_s - 5 * 3600 + 1800) == forward_s);
  CHECK(zone.first_moment_of(forward_s - 4 * 3600) == forward_s);
  CHECK(zone.first_moment_of(forward_s - 4 * 3600 + 1) == forward_s + 1);
  CHECK(zone.first_moment_of(back_s - 4 * 3600 - 1800) == back_s - 1800);
  CHECK(zone.first_moment_of(back_s - 4 * 3600) == back_s + 3600);
}
