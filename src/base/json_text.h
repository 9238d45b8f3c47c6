#pragma once

// Text as JSON holds it (RFC 8259 7).

#include <cstdint>
#include <string>
#include <string_view>

namespace base {

// What becomes of bytes that are not ASCII.
enum class NonAscii : uint8_t {
  as_utf8,  // characters stay, bytes that are none become U+FFFD
  escaped,  // each byte is written as \u00XX: a line of it forges nothing on a terminal
};

// Appends the inside of a JSON string, without its quotes, that says `text`.
void append_json_escaped(std::string& out,
                         std::string_view text,
                         NonAscii rest = NonAscii::as_utf8);

// The same with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace base
