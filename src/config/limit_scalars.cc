#include "config/limit_scalars.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

#include "base/money.h"
#include "base/parse_number.h"
#include "base/time_zone.h"
#include "config/scalars.h"
#include "config/units.h"

namespace config {
namespace {

// As many parts make a whole, of amounts that may have fractions.
constexpr std::array<Unit, 6> amount_units{
    {{"亿", 100'000'000}, {"M", 1'000'000}, {"万", 10'000}, {"k", 1'000}, {"K", 1'000}, {"", 1}}};

struct Scaled {
  std::string_view number;
  int64_t factor;
};

// "<number><suffix>", perhaps with a space between. The number is yet to be read.
std::optional<Scaled> split_amount(std::string_view text) {
  size_t end = std::min(text.find_last_of("0123456789") + 1, text.size());
  const std::string_view number = text.substr(0, end);
  if (end + 1 < text.size() && text[end] == ' ') ++end;
  for (const auto& [suffix, factor] : amount_units) {
    if (suffix == text.substr(end)) return Scaled{number, static_cast<int64_t>(factor)};
  }
  return std::nullopt;
}

constexpr uint32_t day_s = 24 * 3600;
constexpr std::array<Unit, 4> period_units{{{"d", day_s}, {"h", 3600}, {"m", 60}, {"s", 1}}};
constexpr Choice<Period::Kind, 3> calendar_words{
    {{{"day", Period::Kind::day}, {"week", Period::Kind::week}, {"month", Period::Kind::month}}}};

}  // namespace

std::optional<int64_t> Amount::parse(std::string_view text) const {
  if (!zero_word.empty() && text == zero_word) return 0;
  const auto scaled = split_amount(text);
  if (!scaled) return std::nullopt;
  const size_t point = std::min(scaled->number.find('.'), scaled->number.size());
  const std::string_view places = scaled->number.substr(std::min(point + 1, scaled->number.size()));
  const auto whole = base::parse_number<uint64_t>(scaled->number.substr(0, point));
  if (!whole || (point < scaled->number.size() && places.empty())) return std::nullopt;
  int64_t value = 0;
  if (*whole > static_cast<uint64_t>(max) ||
      __builtin_mul_overflow(static_cast<int64_t>(*whole), scaled->factor, &value)) {
    return std::nullopt;
  }
  int64_t part = scaled->factor;
  for (const char digit : places) {
    // There is no part of one: 1.5 is none, nor is 1.0005k.
    if (digit < '0' || digit > '9' || (part < 10 && digit != '0')) return std::nullopt;
    part /= 10;
    if (__builtin_add_overflow(value, part * (digit - '0'), &value)) return std::nullopt;
  }
  if (value < min || value > max || (value == 0 && !zero_word.empty())) return std::nullopt;
  return value;
}

std::string Amount::print(int64_t value) const {
  if (value == 0 && !zero_word.empty()) return std::string(zero_word);
  for (const auto& [suffix, factor] : std::array<Unit, 2>{{{"M", 1'000'000}, {"k", 1'000}}}) {
    const auto unit = static_cast<int64_t>(factor);
    if (value > 0 && value % unit == 0) return fmt::format("{}{}", value / unit, suffix);
  }
  return fmt::format("{}", value);
}

std::string Amount::expected() const {
  std::string text = fmt::format("{}{}a whole number such as 60, 100k, 2M or 10万, at least {}",
                                 zero_word,
                                 zero_word.empty() ? "" : " or ",
                                 zero_word.empty() ? min : std::max<int64_t>(1, min));
  if (max < std::numeric_limits<int64_t>::max()) text += fmt::format(" and at most {}", print(max));
  return text;
}

std::optional<int64_t> Money::parse(std::string_view text) const {
  if (!zero_word.empty() && text == zero_word) return 0;
  const auto scaled = split_amount(text);
  if (!scaled) return std::nullopt;
  const auto value = base::parse_dollars(scaled->number);
  if (!value || *value > base::nano_dollars_max / scaled->factor) return std::nullopt;
  const int64_t nano_dollars = *value * scaled->factor;
  if (nano_dollars < min || (nano_dollars == 0 && !zero_word.empty())) return std::nullopt;
  return nano_dollars;
}

std::string Money::print(int64_t nano_dollars) const {
  if (nano_dollars == 0 && !zero_word.empty()) return std::string(zero_word);
  return base::print_dollars(nano_dollars);
}

std::string Money::expected() const {
  return fmt::format(
      "{}{}US dollars such as 20, 1.50 or 0.000002, with at most 9 digits behind the "
      "point, at least {} and at most a billion",
      zero_word,
      zero_word.empty() ? "" : " or ",
      base::print_dollars(min));
}

std::optional<Period> PeriodText::parse(std::string_view text) {
  if (const auto kind = calendar_words.parse(text)) return Period{.kind = *kind};
  const auto seconds = parse_with_unit(text, period_units);
  if (!seconds || *seconds < Period::rolling_s_min || *seconds > Period::rolling_s_max) {
    return std::nullopt;
  }
  return Period{.kind = Period::Kind::rolling, .rolling_s = static_cast<uint32_t>(*seconds)};
}

std::string PeriodText::print(const Period& value) {
  if (value.kind != Period::Kind::rolling) return calendar_words.print(value.kind);
  for (const auto& [suffix, factor] : period_units) {
    if (value.rolling_s % factor == 0) return fmt::format("{}{}", value.rolling_s / factor, suffix);
  }
  return {};
}

std::string PeriodText::expected() {
  return "day, week or month, or a time from the first use such as 90m, 5h or 30d, from 1m to 366d";
}

std::optional<std::string> ZoneName::parse(std::string_view text) {
  if (!base::TimeZone::is_name(text)) return std::nullopt;
  return std::string(text);
}

std::string ZoneName::expected() {
  return "a time zone such as UTC, Asia/Shanghai or +08:00";
}

}  // namespace config
