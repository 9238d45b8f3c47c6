#pragma once

// Figures as people read them. No function here throws or fails; what is not finite reads "–".

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// "1,234,567".
[[nodiscard]] std::string count_text(uint64_t count);
// The same of a count that came as a double, from JSON; rounded.
[[nodiscard]] std::string whole_text(double count);

// Three significant digits, all integer digits, thousands separated: "0.0123", "1.50", "45.6",
// "12,346".
[[nodiscard]] std::string number_text(double value);

// From nanoseconds to seconds, three digits: "850 ns", "1.23 ms", "12.3 s", "1,200 s".
[[nodiscard]] std::string duration_text(double microseconds);

// "512 B", "1.50 KiB", "20.0 MiB".
[[nodiscard]] std::string size_text(double bytes);

// "12.3 %"; `part` of `whole` otherwise, "0 %" of nothing.
[[nodiscard]] std::string percent_text(double percent);
[[nodiscard]] std::string share_text(uint64_t part, uint64_t whole);

// A number with a unit as a comparison gives it: durations ("us") and sizes ("bytes") are scaled,
// also before a slash; anything else is number_text() and the unit. "us/request" gives
// "1.20 ms/request".
[[nodiscard]] std::string quantity_text(double value, std::string_view unit);

// With a capital first letter, where that is an ASCII one.
[[nodiscard]] std::string capitalised(std::string_view text);

// A tick of an axis: as the functions above, without digits that say nothing: "1.5 ms", "0".
[[nodiscard]] std::string duration_tick(double microseconds);
[[nodiscard]] std::string number_tick(double value);

}  // namespace bench
