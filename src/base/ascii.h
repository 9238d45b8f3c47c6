#pragma once

// Letters without a locale.

#include <string>
#include <string_view>

namespace base {

[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    c = to_lower(c);
  return lower;
}

}  // namespace base
