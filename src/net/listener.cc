#include "net/listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace net {
namespace {

// Connections taken per wake-up: keeps turns short when thousands come at once.
constexpr size_t accepts_per_turn = 16;
// A bound on drain(): more than any backlog the kernel grants.
constexpr size_t accepts_per_drain = 65'536;
// Out of descriptors or memory: the next try.
constexpr uint64_t retry_ms = 200;
constexpr uint64_t log_interval_ms = 60'000;

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// The connection's own bad luck, which accept(2) passes on: the next one may be fine.
bool is_of_one_connection(int error) {
  constexpr int errors[] = {EINTR,
                            ECONNABORTED,
                            EPERM,
                            EPROTO,
                            ENOPROTOOPT,
                            ENETDOWN,
                            ENETUNREACH,
                            EHOSTDOWN,
                            EHOSTUNREACH,
                            EOPNOTSUPP,
                            ETIMEDOUT};
  return std::find(std::begin(errors), std::end(errors), error) != std::end(errors);
}

}  // namespace

// uv_listen would not do: libuv accepts before it asks us, closes the whole backlog when it runs
// out of descriptors, and in 1.44 can spin on that. Polling the socket ourselves, holding
// means not to poll.
Listener::Listener(UvLoop& loop, base::Fd socket, OnAccept on_accept, OnShortage on_shortage)
    : loop_(loop),
      socket_(std::move(socket)),
      on_accept_(std::move(on_accept)),
      on_shortage_(std::move(on_shortage)),
      poll_(this),
      retry_(
          loop.timers(), this, [](void* self) { static_cast<Listener*>(self)->update_polling(); }) {
  CHECK(uv_poll_init(loop.uv(), poll_.get(), socket_.get()) == 0);
  update_polling();
}

Listener::~Listener() {
  close();
}

void Listener::probe(UnreachableMs unreachable_ms) {
  if (socket_) set_probes(socket_.get(), unreachable_ms);
}

void Listener::hold() {
  held_ = true;
  update_polling();
}

void Listener::resume() {
  held_ = false;
  update_polling();
}

void Listener::drain() {
  for (size_t i = 0; i < accepts_per_drain && poll_.is_open() && accept_one(); ++i)
    continue;
  close();
}

void Listener::close() {
  retry_.clear();
  poll_.close();
  socket_.reset();
}

void Listener::update_polling() {
  if (!poll_.is_open()) return;
  if (held_ || retry_.is_set()) {
    uv_poll_stop(poll_.get());
    return;
  }
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int status, int) {
    auto* self = Handle<uv_poll_t>::owner_of<Listener>(poll);
    if (self == nullptr) return;
    if (status == 0) self->on_readable();
    // libuv has stopped polling: start again later.
    if (status != 0) self->on_accept_error(-status);
  });
}

void Listener::on_readable() {
  for (size_t i = 0; i < accepts_per_turn && !held_ && poll_.is_open(); ++i) {
    if (!accept_one()) return;
  }
}

bool Listener::accept_one() {
  sockaddr_storage storage{};
  auto* system = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  base::Fd connection(::accept4(socket_.get(), system, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!connection) {
    const int error = errno;
    if (is_of_one_connection(error)) return true;
    if (error != EAGAIN && error != EWOULDBLOCK) on_accept_error(error);
    return false;
  }
  // A socket we inherited may be one for both families.
  on_accept_(std::move(connection), Address::from_system(system).unmapped());
  return true;
}

void Listener::on_accept_error(int error) {
  on_shortage_();
  const uint64_t now = loop_.now_ms();
  if (logged_ms_ == 0 || now - logged_ms_ >= log_interval_ms) {
    logged_ms_ = now;
    base::log_error("cannot accept connections: {}{}",
                    std::strerror(error),
                    is_shortage(error) ? "; raise the limit of open files (ulimit -n) or lower "
                                         "limits.connections_max. They wait meanwhile"
                                       : "");
  }
  // The socket stays readable, so polling on would spin.
  retry_.set(retry_ms);
  update_polling();
}

}  // namespace net
