#pragma once

// The kinds of values that limits are written in; each a kind as scalars.h has them.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "config/period.h"

namespace config {

// So many, written 60, 100k, 1.5M, 2万 or 1亿. With `zero_word`, that word stands for 0 and the
// bare 0 is refused.
struct Amount {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  std::string_view zero_word = {};

  [[nodiscard]] std::optional<int64_t> parse(std::string_view text) const;
  [[nodiscard]] std::string print(int64_t value) const;
  [[nodiscard]] std::string expected() const;
};

// Nano-dollars, written in dollars: 20, 20.00, $1.50, 0.000002, 1.5k. With `zero_word` as above.
struct Money {
  int64_t min = 0;
  std::string_view zero_word = {};

  [[nodiscard]] std::optional<int64_t> parse(std::string_view text) const;
  [[nodiscard]] std::string print(int64_t nano_dollars) const;
  [[nodiscard]] std::string expected() const;
};

// How long a limit counts: day, week, month, or from the first use 90m, 5h, 30d.
struct PeriodText {
  [[nodiscard]] static std::optional<Period> parse(std::string_view text);
  [[nodiscard]] static std::string print(const Period& value);
  [[nodiscard]] static std::string expected();
};

// The name of a time zone. Whether there is one of that name, the machine's zoneinfo tells:
// base::TimeZone::load().
struct ZoneName {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected();
};

}  // namespace config
