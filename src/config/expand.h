#pragma once

// Environment variables inside configuration values.

#include <string>
#include <string_view>

#include "base/result.h"

namespace config {

struct ExpandError {
  std::string why;
};

// `${NAME}` and `${NAME:-default}` replaced by the environment's values; the default where the
// variable is unset or empty, as a shell does. `$${` gives a literal `${`. The error says what is
// wrong and names the variable, never a value. Reads the environment: not while setenv() runs.
[[nodiscard]] base::Result<std::string, ExpandError> expand_environment(std::string_view text);

// The inverse for literal text: expand_environment(escape_expansion(t)) gives t again.
[[nodiscard]] std::string escape_expansion(std::string_view text);

}  // namespace config
