#pragma once

// US dollars, counted in nano-dollars so that the price of a single token is a whole number.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

constexpr int64_t nano_dollars_each = 1'000'000'000;
// A billion dollars: sums of a few such stay far below what int64_t holds.
constexpr int64_t nano_dollars_max = 1'000'000'000 * nano_dollars_each;

// "20", "20.00", "$1.50", "0.000000001": exact, in decimal. Nothing where it is none, below 0, over
// nano_dollars_max, or has more than nine digits behind the point.
[[nodiscard]] std::optional<int64_t> parse_dollars(std::string_view text);

// Its inverse: "20.00", "0.0000015", at least two digits behind the point. Negative ones have a
// sign.
[[nodiscard]] std::string print_dollars(int64_t nano_dollars);

}  // namespace base
