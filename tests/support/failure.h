#pragma once

// What goes wrong in the harness itself. A test that meets one of these fails: doctest shows
// what().

#include <stdexcept>

namespace test {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TimedOut : Failure {
  using Failure::Failure;
};

// The connection was torn down (RST, or a broken TLS record) rather than ended.
struct Reset : Failure {
  using Failure::Failure;
};

// The bytes ended inside a message.
struct Truncated : Failure {
  using Failure::Failure;
};

}  // namespace test
