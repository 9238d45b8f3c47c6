#pragma once

// Numbers of JSON as counts of something.

#include <cstdint>
#include <string_view>

namespace openai {

// `text`, a number as JSON writes it, times `scale`, without what is behind the point. Negative
// ones are -1; what passes `max`, or is not whole (`is_whole` false: it was too long to keep), is
// `max`.
[[nodiscard]] int64_t count_of(std::string_view text,
                               bool is_whole,
                               int64_t max,
                               int64_t scale = 1);

}  // namespace openai
