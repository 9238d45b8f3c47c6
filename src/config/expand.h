#pragma once

// Environment variables and secret files inside configuration values.

#include <string>
#include <string_view>

#include "base/result.h"

namespace config {

struct ExpandError {
  std::string why;
};

// `${NAME}` and `${NAME:-default}` replaced by the environment's values; the default where the
// variable is unset or empty, as a shell does; `${file:/PATH}` by the one line of that file. `$${`
// gives a literal `${`. The error says what is wrong and names the variable or the file, never a
// value. Reads the environment: not while setenv() runs.
[[nodiscard]] base::Result<std::string, ExpandError> expand(std::string_view text);

// Whether `text` is one `${NAME}` or `${file:/PATH}` and nothing else: what it stands for can be
// shown by it.
[[nodiscard]] bool is_reference(std::string_view text);

// The inverse for literal text: expand(escape_expansion(t)) gives t again.
[[nodiscard]] std::string escape_expansion(std::string_view text);

}  // namespace config
