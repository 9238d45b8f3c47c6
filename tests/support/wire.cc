// Plain sockets with bounded waits.
#include "support/wire.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Failure(what + ": " + std::strerror(errno));
}

bool wait_for(int fd, short events, std::chrono::milliseconds timeout) {
  pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
  int result = 0;
  do {
    result = ::poll(&poll_fd, 1, static_cast<int>(timeout.count()));
  } while (result < 0 && errno == EINTR);
  return result > 0;
}

// An address of either family.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address unix_address(const std::string& path) {
  Address address;
  auto* unix = reinterpret_cast<sockaddr_un*>(&address.storage);
  unix->sun_family = AF_UNIX;
  if (path.size() >= sizeof(unix->sun_path)) throw Failure("path too long: " + path);
  std::memcpy(unix->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(*unix);
  return address;
}

Address parse_address(const std::string& host, uint16_t port) {
  if (host.starts_with("unix:")) return unix_address(host.substr(5));
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(*v4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(*v6);
  } else {
    throw Failure("not an address: " + host);
  }
  return address;
}

void finish_connect(int fd, std::chrono::milliseconds timeout) {
  if (!wait_for(fd, POLLOUT, timeout)) throw TimedOut("connect");
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw Reset(std::string("connect: ") + std::strerror(error));
}

class PlainWire final : public Wire {
 public:
  explicit PlainWire(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}

  size_t read_some(std::span<char> into, std::chrono::milliseconds timeout) override {
    for (;;) {
      const ssize_t got = socket_->try_read(into);
      if (got >= 0) return static_cast<size_t>(got);
      if (!socket_->wait_readable(timeout)) throw TimedOut("read");
    }
  }

  size_t write_some(std::string_view bytes, std::chrono::milliseconds timeout) override {
    for (;;) {
      const ssize_t sent = socket_->try_write(bytes);
      if (sent >= 0) return static_cast<size_t>(sent);
      if (!socket_->wait_writable(timeout)) return 0;
    }
  }

  void shutdown_write() override { socket_->shutdown_write(); }
  void close() override { socket_->close(); }
  void drop() override { socket_->close(); }
  void reset() override { socket_->close_with_reset(); }
  void vanish() override { socket_->vanish(); }
  void abort() override { socket_->abort(); }

 private:
  std::unique_ptr<Socket> socket_;
};

}  // namespace

void vanish(int socket) {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{.len = 1, .filter = &drop};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) {
    fail("SO_ATTACH_FILTER");
  }
}

Socket::Socket(int fd) : fd_(fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // no effect on a unix socket
}

Socket::~Socket() {
  close();
}

ssize_t Socket::try_read(std::span<char> into) {
  ssize_t got = 0;
  do {
    got = ::recv(fd_, into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno != EAGAIN) throw Reset(std::string("read: ") + std::strerror(errno));
  return got;
}

ssize_t Socket::try_write(std::string_view bytes) {
  ssize_t sent = 0;
  do {
    sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) throw Reset(std::string("write: ") + std::strerror(errno));
  return sent;
}

bool Socket::wait_readable(std::chrono::milliseconds timeout) const {
  return wait_for(fd_, POLLIN, timeout);
}

bool Socket::wait_writable(std::chrono::milliseconds timeout) const {
  return wait_for(fd_, POLLOUT, timeout);
}

int Socket::release() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fd_, -1);
}

void Socket::shutdown_write() {
  ::shutdown(fd_, SHUT_WR);
}

void Socket::close() {
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::vanish() {
  test::vanish(fd_);
}

void Socket::close_with_reset() {
  const linger no_linger{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
  close();
}

void Socket::abort() {
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

std::unique_ptr<Wire> plain_wire(std::unique_ptr<Socket> socket) {
  return std::make_unique<PlainWire>(std::move(socket));
}

std::unique_ptr<Socket> connect_tcp(const std::string& host,
                                    uint16_t port,
                                    const ConnectOptions& options) {
  const Address address = parse_address(host, port);
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  auto socket = std::make_unique<Socket>(fd);
  if (options.receive_buffer > 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(int));
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) < 0 &&
      errno != EINPROGRESS) {
    throw Reset(std::string("connect: ") + std::strerror(errno));
  }
  finish_connect(fd, options.timeout);
  return socket;
}

std::unique_ptr<Socket> connect_unix(const std::string& path) {
  const Address address = unix_address(path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  auto socket = std::make_unique<Socket>(fd);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) < 0 &&
      errno != EINPROGRESS) {
    throw Reset(std::string("connect: ") + std::strerror(errno));
  }
  finish_connect(fd, patience);
  return socket;
}

ListeningSocket::ListeningSocket(const std::string& host, int backlog, uint16_t port) {
  Address address = parse_address(host, port);
  fd_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (fd_ < 0 || wake_ < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  auto* name = reinterpret_cast<sockaddr*>(&address.storage);
  if (::bind(fd_, name, address.size) < 0) fail("bind");
  if (::listen(fd_, backlog) < 0) fail("listen");
  if (address.storage.ss_family == AF_UNIX) return;
  if (::getsockname(fd_, name, &address.size) < 0) fail("getsockname");
  port_ = ntohs(address.storage.ss_family == AF_INET
                    ? reinterpret_cast<sockaddr_in*>(name)->sin_port
                    : reinterpret_cast<sockaddr_in6*>(name)->sin6_port);
}

ListeningSocket::~ListeningSocket() {
  close();
  ::close(wake_);
}

void ListeningSocket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::unique_ptr<Socket> ListeningSocket::accept() {
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = wake_, .events = POLLIN, .revents = 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) fail("poll");
    if (fds[1].revents != 0) return nullptr;
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) return std::make_unique<Socket>(fd);
  }
}

void ListeningSocket::stop() {
  const uint64_t one = 1;
  if (::write(wake_, &one, sizeof(one)) < 0) fail("eventfd");
}

}  // namespace test
