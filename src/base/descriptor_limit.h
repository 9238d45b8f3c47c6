#pragma once

// How many descriptors this process may have.

#include <cstdint>

namespace base {

// Raises the limit as far as the system lets this process; returns it. Any thread.
uint64_t raise_descriptor_limit();

}  // namespace base
