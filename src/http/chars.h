#pragma once

// The character classes of RFC 9110 5.6 as tables.

#include <array>
#include <cstdint>
#include <string_view>

namespace http {

namespace detail {

constexpr std::array<bool, 256> make_token_chars() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<uint8_t>(c)] = true;
  for (char c = '0'; c <= '9'; ++c)
    table[static_cast<uint8_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c)
    table[static_cast<uint8_t>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c)
    table[static_cast<uint8_t>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> token_chars = make_token_chars();

}  // namespace detail

// tchar (RFC 9110 5.6.2).
[[nodiscard]] constexpr bool is_token_char(char c) {
  return detail::token_chars[static_cast<uint8_t>(c)];
}

// A token: field names, methods, list elements such as connection options.
[[nodiscard]] constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

// Text that may stand in a field value or a reason phrase (RFC 9110 5.5): tab, space, visible ASCII
// and obs-text; no other control byte.
[[nodiscard]] constexpr bool is_field_text(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

// What may stand in a request target as it is received: all but white space and controls. That is
// wider than RFC 3986; the target is forwarded byte for byte.
[[nodiscard]] constexpr bool is_target_char(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte > 0x20 && byte != 0x7f;
}

// White space within a line (OWS, RFC 9110 5.6.3); and `text` without it at its ends.
[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

}  // namespace http
