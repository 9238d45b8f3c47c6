#pragma once

// Reads a PROXY protocol header from a socket just accepted, and not a byte more, so that whatever
// comes next (TLS, HTTP) starts on a socket that looks untouched.

#include <cstdint>
#include <string_view>

#include <uv.h>

#include "base/fd.h"
#include "net/deadline.h"
#include "net/handle.h"
#include "net/proxy_header.h"
#include "net/uv_loop.h"

namespace net {

// Resource, on one loop; may be destroyed at any time.
class ProxyHeaderReader {
 public:
  // Called once, from the loop: the header is there (why() is empty) or never will be.
  using Done = void (*)(void* owner);

  ProxyHeaderReader(UvLoop& loop, base::Fd socket, uint64_t timeout_ms, void* owner, Done done);

  // After `done`. `client` is "none" where the front speaks for itself.
  [[nodiscard]] base::Fd take_socket() { return std::move(socket_); }
  [[nodiscard]] const Address& client() const { return parser_.client(); }
  [[nodiscard]] std::string_view why() const { return why_; }

 private:
  void on_readable();
  void finish(std::string_view why);

  base::Fd socket_;
  Handle<uv_poll_t> poll_;
  Deadline deadline_;
  ProxyHeaderParser parser_;
  void* owner_;
  Done done_;
  std::string_view why_;
};

}  // namespace net
