#include "base/nearest_word.h"

#include <algorithm>
#include <cstddef>

namespace base {
namespace {

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j)
    rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view text, const std::vector<std::string_view>& words) {
  constexpr size_t compared_bytes_max = 64;  // no key is longer, and the distance costs a × b
  if (text.size() > compared_bytes_max) return {};
  std::string_view nearest;
  size_t nearest_distance = 1 + std::max<size_t>(1, text.size() / 3);
  for (const auto word : words) {
    const size_t distance = edit_distance(text, word);
    if (distance < nearest_distance && distance < word.size()) {
      nearest = word;
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace base
