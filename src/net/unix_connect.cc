#include "net/unix_connect.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>

#include "base/check.h"
#include "base/fd.h"
#include "net/tcp_cell.h"

namespace net {

UnixConnect::UnixConnect(Tcp& tcp, UvLoop& loop, std::string_view path, uint64_t timeout_ms)
    : tcp_(tcp),
      loop_(loop),
      path_(path),
      give_up_ms_(loop.now_ms() + timeout_ms),
      first_(this, [](void* self) { static_cast<UnixConnect*>(self)->try_now(); }),
      again_(loop.timers(), this, [](void* self) { static_cast<UnixConnect*>(self)->try_now(); }) {
  CHECK(path_.size() < sizeof(sockaddr_un::sun_path));
  loop_.defer(first_);
}

void UnixConnect::try_now() {
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) {
    fail(base::Code::connect, uv_translate_sys_error(errno));
    return;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EAGAIN) {
      fail(base::Code::connect, uv_translate_sys_error(errno));
    } else if (loop_.now_ms() >= give_up_ms_) {
      fail(base::Code::timeout, UV_ETIMEDOUT);
    } else {
      again_.set(try_again_ms);
    }
    return;
  }
  TcpCellOwner cell(new TcpCell(loop_.uv()));
  const int error = uv_tcp_open(&cell->handle, socket.get());
  if (error != 0) {
    fail(base::Code::connect, error);
    return;
  }
  static_cast<void>(socket.release());
  tcp_.connected(std::move(cell), Address());
}

void UnixConnect::fail(base::Code code, int raw) {
  tcp_.connect_failed(base::Error{code, base::Side::upstream, raw});
}

}  // namespace net
