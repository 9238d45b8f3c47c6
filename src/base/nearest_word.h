#pragma once

// What somebody may have meant by a word that is none of those known.

#include <string_view>
#include <vector>

namespace base {

// The nearest of `words` by edit distance, empty where none is close enough to be meant. Borrows
// from `words`.
[[nodiscard]] std::string_view nearest_word(std::string_view text,
                                            const std::vector<std::string_view>& words);

}  // namespace base
