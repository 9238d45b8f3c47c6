#pragma once

// The libuv handle of one stream socket with its requests: what must outlive the owner until the
// close callback. Private to tcp.cc and connect_race.cc.

#include <memory>

#include <uv.h>

#include "base/check.h"

namespace net {

// A uv_tcp_t serves unix sockets too: libuv's stream code asks the descriptor, not the type.
struct TcpCell {
  explicit TcpCell(uv_loop_t* loop) {
    base::check_that(uv_tcp_init(loop, &handle) == 0, "uv_tcp_init");
    handle.data = this;
  }

  [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle); }
  static TcpCell& of(uv_stream_t* stream) { return *static_cast<TcpCell*>(stream->data); }

  // No callback finds the owner after this; frees the cell once libuv has let go of it.
  static void close(TcpCell* cell) noexcept {
    cell->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&cell->handle),
             [](uv_handle_t* h) { delete static_cast<TcpCell*>(h->data); });
  }

  uv_tcp_t handle{};
  // While it connects, and from the first bytes a slow peer refused on: most connections need none.
  // At most one write is in flight.
  std::unique_ptr<uv_connect_t> connect;
  std::unique_ptr<uv_write_t> write;
  void* owner = nullptr;  // a ConnectRace, later a Tcp; nullptr once closed
};

struct TcpCellCloser {
  void operator()(TcpCell* cell) const noexcept { TcpCell::close(cell); }
};
using TcpCellOwner = std::unique_ptr<TcpCell, TcpCellCloser>;

}  // namespace net
