#pragma once

// What people write in YAML by mistake, and what to write instead. Pure.

#include <string>
#include <string_view>

namespace config {

// Advice on what stands on line `line` (from 1) of `text`, or just above it, to follow the words of
// an error there: "; …", or nothing.
[[nodiscard]] std::string hint_for_line(std::string_view text, int line);

// The same for a value that was refused.
[[nodiscard]] std::string hint_for_value(std::string_view value);

// For a file that is not UTF-8.
[[nodiscard]] std::string hint_for_encoding(std::string_view text);

}  // namespace config
