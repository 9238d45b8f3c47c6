#pragma once

// Connecting to a unix socket.

#include <cstdint>
#include <string>
#include <string_view>

#include "net/deadline.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/uv_loop.h"

namespace net {

// Resource, owned by the connecting Tcp, which it tells of the outcome once and which buries it
// then. Destroying it gives up.
class UnixConnect final : public Buried {
 public:
  UnixConnect(Tcp& tcp, UvLoop& loop, std::string_view path, uint64_t timeout_ms);
  ~UnixConnect() override = default;
  UnixConnect(const UnixConnect&) = delete;
  UnixConnect& operator=(const UnixConnect&) = delete;
  UnixConnect(UnixConnect&&) = delete;
  UnixConnect& operator=(UnixConnect&&) = delete;

 private:
  // Such a socket is connected at once, refused at once, or its backlog is full: then the kernel
  // tells nobody when there is room again.
  static constexpr uint64_t try_again_ms = 20;

  void try_now();
  void fail(base::Code code, int raw);

  Tcp& tcp_;
  UvLoop& loop_;
  std::string path_;
  uint64_t give_up_ms_;
  Deferred first_;
  Deadline again_;
};

}  // namespace net
