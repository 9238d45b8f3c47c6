#include "net/proxy_header_reader.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>

#include "base/check.h"

namespace net {

ProxyHeaderReader::ProxyHeaderReader(
    UvLoop& loop, base::Fd socket, uint64_t timeout_ms, void* owner, Done done)
    : socket_(std::move(socket)),
      poll_(this),
      deadline_(loop.timers(),
                this,
                [](void* self) {
                  static_cast<ProxyHeaderReader*>(self)->finish("it did not arrive in time");
                }),
      owner_(owner),
      done_(done) {
  CHECK(uv_poll_init(loop.uv(), poll_.get(), socket_.get()) == 0);
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int status, int) {
    auto* self = Handle<uv_poll_t>::owner_of<ProxyHeaderReader>(poll);
    if (self == nullptr) return;
    status == 0 ? self->on_readable() : self->finish("the connection broke off before it");
  });
  deadline_.set(timeout_ms);
}

void ProxyHeaderReader::on_readable() {
  std::array<std::byte, 256> bytes;
  const ssize_t seen = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (seen <= 0) {
    finish("the connection ended before it");
    return;
  }
  const auto taken = parser_.take(base::Bytes{bytes.data(), static_cast<size_t>(seen)});
  // What was seen is there to be taken.
  if (::recv(socket_.get(), bytes.data(), taken.bytes, MSG_DONTWAIT) !=
      static_cast<ssize_t>(taken.bytes)) {
    finish("the connection broke off before it");
    return;
  }
  if (taken.status != ProxyHeaderParser::Status::more) finish(parser_.why());
}

void ProxyHeaderReader::finish(std::string_view why) {
  why_ = why;
  poll_.close();
  deadline_.clear();
  done_(owner_);
}

}  // namespace net
