#pragma once

// Whole numbers as text.

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace base {

// The number that all of `text` is, in digits of `radix` alone: no sign, no blank, nothing behind.
// Nothing where it is none, or more than the type holds.
template <std::unsigned_integral Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int radix = 10) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, radix);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace base
