#include "base/money.h"

#include <algorithm>
#include <fmt/format.h>

namespace base {
namespace {

constexpr size_t places_max = 9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<int64_t> parse_dollars(std::string_view text) {
  if (text.starts_with('$')) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view places = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || (point < text.size() && places.empty()) || places.size() > places_max) {
    return std::nullopt;
  }
  if (!std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(places.begin(), places.end(), is_digit)) {
    return std::nullopt;
  }
  int64_t nano = 0;
  for (const char c : whole) {
    nano = nano * 10 + (c - '0');
    if (nano > nano_dollars_max / nano_dollars_each) return std::nullopt;
  }
  for (size_t i = 0; i < places_max; ++i)
    nano = nano * 10 + (i < places.size() ? places[i] - '0' : 0);
  if (nano > nano_dollars_max) return std::nullopt;
  return nano;
}

std::string print_dollars(int64_t nano_dollars) {
  const bool is_negative = nano_dollars < 0;
  // Unsigned, since the smallest number has no positive twin.
  const uint64_t amount =
      is_negative ? 0 - static_cast<uint64_t>(nano_dollars) : static_cast<uint64_t>(nano_dollars);
  std::string text = fmt::format("{}{}.{:09}",
                                 is_negative ? "-" : "",
                                 amount / static_cast<uint64_t>(nano_dollars_each),
                                 amount % static_cast<uint64_t>(nano_dollars_each));
  const size_t shortest = text.size() - places_max + 2;
  text.erase(std::max(text.find_last_not_of('0') + 1, shortest));
  return text;
}

}  // namespace base
