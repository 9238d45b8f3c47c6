#include "base/zone_rule.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.h"

namespace base {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

}  // namespace

// Reads from the front of the text; once something is wrong, all is.
class ZoneRule::Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
  [[nodiscard]] bool is_good() const { return good_; }

  [[nodiscard]] bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void demand(char c) { good_ = skip(c) && good_; }

  // "CET" or "<+0330>".
  void abbreviation() {
    const bool is_quoted = skip('<');
    size_t size = 0;
    while (size < rest_.size() && (is_quoted ? rest_[size] != '>' : is_letter(rest_[size])))
      ++size;
    if (size < 3) good_ = false;
    rest_.remove_prefix(size);
    if (is_quoted) demand('>');
  }

  int number(int min, int max) {
    int value = 0;
    size_t size = 0;
    while (size < rest_.size() && size < 4 && is_digit(rest_[size]))
      value = value * 10 + (rest_[size++] - '0');
    rest_.remove_prefix(size);
    if (size == 0 || value < min || value > max) good_ = false;
    return value;
  }

  // "[+-]hh[:mm[:ss]]"; of a change, up to a week off (RFC 9636 3.3.2).
  int64_t time() {
    const bool is_negative = skip('-');
    if (!is_negative) (void)skip('+');
    int64_t value = int64_t{3600} * number(0, 167);
    if (skip(':')) value += int64_t{60} * number(0, 59);
    if (skip(':')) value += number(0, 59);
    return is_negative ? -value : value;
  }

  Yearly yearly() {
    Yearly its;
    if (skip('M')) {
      its.kind = Yearly::Kind::weekday;
      its.month = number(1, 12);
      demand('.');
      its.week = number(1, 5);
      demand('.');
      its.day = number(0, 6);
    } else if (skip('J')) {
      its.kind = Yearly::Kind::day_without_leap;
      its.day = number(1, 365);
    } else {
      its.day = number(0, 365);
    }
    its.time_s = skip('/') ? time() : 2 * 3600;
    return its;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<ZoneRule> ZoneRule::parse(std::string_view text) {
  Reader reader(text);
  ZoneRule rule;
  reader.abbreviation();
  rule.standard_s_ = -reader.time();  // POSIX counts west of Greenwich
  if (!reader.is_at_end()) {
    rule.has_summer_ = true;
    reader.abbreviation();
    rule.summer_s_ = rule.standard_s_ + 3600;
    if (!reader.skip(',')) {
      rule.summer_s_ = -reader.time();
      reader.demand(',');
    }
    rule.begins_ = reader.yearly();
    reader.demand(',');
    rule.ends_ = reader.yearly();
  }
  if (!reader.is_good() || !reader.is_at_end()) return std::nullopt;
  return rule;
}

int64_t ZoneRule::Yearly::in(int its_year) const {
  const year when(its_year);
  sys_days date = when / std::chrono::January / 1;
  if (kind == Kind::weekday) {
    const auto its_month = when / std::chrono::month(static_cast<unsigned>(month));
    const std::chrono::weekday weekday(static_cast<unsigned>(day));
    date = week == 5 ? sys_days(its_month / weekday[std::chrono::last])
                     : sys_days(its_month / weekday[static_cast<unsigned>(week)]);
  } else if (kind == Kind::day_without_leap) {
    const bool is_behind_leap_day = when.is_leap() && day >= 60;
    date += days(day - 1 + (is_behind_leap_day ? 1 : 0));
  } else {
    date += days(day);
  }
  return seconds(date.time_since_epoch()).count() + time_s;
}

ZoneOffset ZoneRule::at(int64_t utc_s) const {
  if (!has_summer_) return {.seconds = standard_s_};
  const auto today = std::chrono::floor<days>(std::chrono::sys_seconds(seconds(utc_s)));
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  struct Change {
    int64_t at_s;
    int64_t offset_s;
  };
  std::array<Change, 6> changes{};
  size_t count = 0;
  for (const int each : {this_year - 1, this_year, this_year + 1}) {
    changes[count++] = {begins_.in(each)-standard_s_, summer_s_};
    changes[count++] = {ends_.in(each)-summer_s_, standard_s_};
  }
  // Stable: where summer has no end, the next one begins as it ends.
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return a.at_s < b.at_s;
  });
  ZoneOffset offset{.seconds = standard_s_};
  for (const Change& change : changes) {
    if (change.at_s > utc_s) {
      offset.until_s = change.at_s;
      break;
    }
    offset.seconds = change.offset_s;
  }
  return offset;
}

}  // namespace base
