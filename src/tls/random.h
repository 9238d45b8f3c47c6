#pragma once

// The process's random generator in the shape mbedTLS's callbacks have.

#include <cstddef>

namespace tls {

// Fills `into`; 0 or an mbedTLS error. The first argument is not used. Any thread, after init().
[[nodiscard]] int random_bytes(void* unused, unsigned char* into, size_t size);

}  // namespace tls
