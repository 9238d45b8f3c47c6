#pragma once

// What the kernel knows of bytes that a socket was given: asked where a connection has failed or is
// being ended, never on the data path.

#include <cstddef>
#include <cstdint>

namespace net {

// Bytes given to `socket` that its other end has not confirmed; 0 where the kernel does not tell.
[[nodiscard]] size_t unacknowledged_bytes(int socket);

// Of a TCP connection that a reset has ended: whether the other end had acknowledged at most
// `bytes` of what it was sent. False where the connection is not over or the kernel does not tell.
[[nodiscard]] bool is_over_with_at_most(int socket, uint64_t bytes);

}  // namespace net
