#pragma once

// Numbers with a unit behind them, as several kinds of values are written.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/parse_number.h"

namespace config {

// Value. A suffix, and how many of the smallest unit it stands for.
struct Unit {
  std::string_view suffix;
  uint64_t factor;
};

// "<digits><suffix>", perhaps with a space between; nothing where it is none, the suffix is unknown
// or the product too large.
template <size_t n>
[[nodiscard]] std::optional<uint64_t> parse_with_unit(std::string_view text,
                                                      const std::array<Unit, n>& units) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = base::parse_number<uint64_t>(text.substr(0, end));
  if (!number) return std::nullopt;
  std::string_view unit = text.substr(end);
  if (unit.size() > 1 && unit.front() == ' ') unit.remove_prefix(1);
  for (const auto& [suffix, factor] : units) {
    if (suffix != unit) continue;
    if (*number > std::numeric_limits<uint64_t>::max() / factor) return std::nullopt;
    return *number * factor;
  }
  return std::nullopt;
}

}  // namespace config
