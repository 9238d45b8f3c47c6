#include "net/first_byte.h"

#include <cerrno>
#include <sys/socket.h>

#include "base/check.h"

namespace net {

FirstByte::FirstByte(UvLoop& loop, base::Fd socket, uint64_t timeout_ms, void* owner, Done done)
    : socket_(std::move(socket)),
      poll_(this),
      deadline_(loop.timers(), this, [](void* self) { static_cast<FirstByte*>(self)->finish(); }),
      owner_(owner),
      done_(done) {
  CHECK(uv_poll_init(loop.uv(), poll_.get(), socket_.get()) == 0);
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int status, int) {
    auto* self = Handle<uv_poll_t>::owner_of<FirstByte>(poll);
    if (self == nullptr) return;
    status == 0 ? self->on_readable() : self->finish();
  });
  deadline_.set(timeout_ms);
}

void FirstByte::on_readable() {
  unsigned char byte = 0;
  const ssize_t seen = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (seen == 1) byte_ = byte;
  finish();
}

void FirstByte::finish() {
  poll_.close();
  deadline_.clear();
  done_(owner_);
}

}  // namespace net
