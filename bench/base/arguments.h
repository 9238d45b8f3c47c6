#pragma once

// Amounts as people write them on a command line.

#include <cstdint>
#include <optional>
#include <string_view>

namespace bench {

// "250us", "500ms", "1.5s", "10m", "1h", or a bare number of seconds, as nanoseconds. Nothing where
// it is none, negative, or longer than a week.
[[nodiscard]] std::optional<uint64_t> parse_duration_ns(std::string_view text);

// "4096", "64k", "64KiB", "1.5MiB", "2g", as bytes; k, m, g and t are powers of 1024. Nothing where
// it is none, negative, or over 2^50.
[[nodiscard]] std::optional<uint64_t> parse_bytes(std::string_view text);

}  // namespace bench
