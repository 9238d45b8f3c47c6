#pragma once

// How often a test does what it repeats: more where somebody wants to be surer.

#include <cstdlib>
#include <string>

namespace test {

// The number in the environment's `variable`, else `usual`.
[[nodiscard]] inline int repetitions(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::stoi(text);
}

}  // namespace test
