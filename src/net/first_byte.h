#pragma once

// Waits for the first byte on a socket just accepted, and leaves it there: what the client speaks
// decides who gets the socket.

#include <cstdint>
#include <optional>

#include <uv.h>

#include "base/fd.h"
#include "net/deadline.h"
#include "net/handle.h"
#include "net/uv_loop.h"

namespace net {

// Resource, on one loop; may be destroyed at any time.
class FirstByte {
 public:
  // Called once, from the loop: it is there, or none came in time or ever will.
  using Done = void (*)(void* owner);

  FirstByte(UvLoop& loop, base::Fd socket, uint64_t timeout_ms, void* owner, Done done);

  // Gives it less time: `timeout_ms` from now.
  void hurry(uint64_t timeout_ms) { deadline_.set(timeout_ms); }

  // After `done`.
  [[nodiscard]] base::Fd take_socket() { return std::move(socket_); }
  [[nodiscard]] std::optional<unsigned char> byte() const { return byte_; }

 private:
  void on_readable();
  void finish();

  base::Fd socket_;
  Handle<uv_poll_t> poll_;
  Deadline deadline_;
  void* owner_;
  Done done_;
  std::optional<unsigned char> byte_;
};

}  // namespace net
