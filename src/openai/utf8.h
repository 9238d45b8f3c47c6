#pragma once

// UTF-8 (RFC 3629): whether a text is, and how a character is written.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace openai {

inline constexpr uint32_t code_point_max = 0x10ffff;

// Whether `text` is UTF-8: neither overlong forms nor surrogates, nothing cut off.
[[nodiscard]] bool is_utf8(std::string_view text);

// Writes `code`, at most code_point_max, and returns how many bytes that took.
size_t to_utf8(uint32_t code, std::array<char, 4>& bytes);

}  // namespace openai
