#pragma once

// Patterns with * for any run of characters, as names of models and paths are matched.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace policy {

// Whether all of `text` is what `pattern` describes. In a time that grows with the product of their
// lengths at most.
[[nodiscard]] constexpr bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // the last one met, and what it has taken up to
  size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

[[nodiscard]] inline bool matches_any(const std::vector<std::string>& patterns,
                                      std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return matches(pattern, text);
  });
}

}  // namespace policy
