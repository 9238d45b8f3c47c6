#pragma once

// What the kernel knows of bytes that a socket was given: asked where a connection is silent,
// has failed or is being ended, never on the data path.

#include <cstddef>
#include <cstdint>
#include <optional>

namespace net {

// Value. How far what was sent has come.
struct Delivery {
  bool is_awaited = false;  // something is sent and not acknowledged
  bool is_queued = false;   // something is not sent yet: the other end does not read
  uint64_t silent_ms = 0;   // since the other machine was last heard of
};

// Nothing where the socket is no TCP connection.
[[nodiscard]] std::optional<Delivery> delivery_of(int socket);

// Bytes given to `socket` that its other end has not confirmed; 0 where the kernel does not tell.
[[nodiscard]] size_t unacknowledged_bytes(int socket);

// Of a TCP connection that a reset has ended: whether the other end had acknowledged at most
// `bytes` of what it was sent. False where the connection is not over or the kernel does not tell.
[[nodiscard]] bool is_over_with_at_most(int socket, uint64_t bytes);

}  // namespace net
