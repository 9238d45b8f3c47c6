#include "openai/json_number.h"

#include <charconv>
#include <system_error>

namespace openai {

int64_t count_of(std::string_view text, bool is_whole, int64_t max, int64_t scale) {
  if (text.starts_with('-')) {
    const std::string_view digits = text.substr(0, text.find_first_of("eE"));
    return digits.find_first_not_of("-0.") == std::string_view::npos && is_whole ? 0 : -1;
  }
  if (!is_whole) return max;
  const char* const end = text.data() + text.size();
  int64_t count = 0;
  const auto [at, failure] = std::from_chars(text.data(), end, count);
  if (at == end && failure == std::errc()) return count > max / scale ? max : count * scale;
  double number = 0;
  const auto [stop, wrong] = std::from_chars(text.data(), end, number);
  // Beyond what a double holds: from below it is nothing, from above it is the most.
  if (wrong == std::errc::result_out_of_range) {
    return text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos
               ? 0
               : max;
  }
  number *= static_cast<double>(scale);
  return number < static_cast<double>(max) ? static_cast<int64_t>(number) : max;
}

}  // namespace openai
