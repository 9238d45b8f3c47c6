#pragma once

// Raw blocking sockets: the other end of what the tests of net/ open.

#include <array>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "net/address.h"
#include "net/tcp.h"

namespace net_test {

inline uint16_t port_of(const base::Fd& socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* system = reinterpret_cast<sockaddr*>(&bound);
  REQUIRE(::getsockname(socket.get(), system, &size) == 0);
  return net::Address::from_system(system).port();
}

// A listening socket; port 0 lets the system choose.
inline base::Fd listen_on(const char* host, uint16_t port = 0, int backlog = 16) {
  const auto address = net::Address::parse(host, port);
  REQUIRE(address);
  base::Fd socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  REQUIRE(::bind(socket.get(), address->system(), address->system_size()) == 0);
  REQUIRE(::listen(socket.get(), backlog) == 0);
  return socket;
}

inline base::Fd connect_to(const char* host, uint16_t port) {
  const auto address = net::Address::parse(host, port);
  REQUIRE(address);
  base::Fd socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(socket.get(), address->system(), address->system_size()) == 0);
  return socket;
}

enum class Kind : uint8_t { tcp, unix_socket };

// So that a few megabytes never fit. Smaller ones, or a small receiving side, make TCP wait for
// delayed acknowledgements and window probes.
inline void shrink_send_buffer(const base::Fd& socket) {
  const int bytes = 131'072;
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
}

// Two connected sockets.
inline std::pair<base::Fd, base::Fd> connected_pair(Kind kind) {
  if (kind == Kind::unix_socket) {
    std::array<int, 2> both{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) == 0);
    return {base::Fd(both[0]), base::Fd(both[1])};
  }
  const base::Fd listening = listen_on("127.0.0.1");
  base::Fd one = connect_to("127.0.0.1", port_of(listening));
  base::Fd two(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(two);
  return {std::move(one), std::move(two)};
}

// A Tcp and the raw socket at its other end.
struct Wire {
  Wire(net::UvLoop& loop, Kind kind, net::UnreachableMs unreachable_ms = 0) {
    auto [mine, theirs] = connected_pair(kind);
    raw = std::move(theirs);
    shrink_send_buffer(mine);
    const net::Address peer =
        kind == Kind::tcp ? *net::Address::parse("127.0.0.1", 1) : net::Address();
    auto opened = net::Tcp::open(loop, std::move(mine), peer, base::Side::client, unreachable_ms);
    REQUIRE(opened);
    tcp = *std::move(opened);
  }

  std::unique_ptr<net::Tcp> tcp;
  base::Fd raw;
};

inline void send_all(const base::Fd& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    REQUIRE(sent > 0);
    text.remove_prefix(static_cast<size_t>(sent));
  }
}

// The next `size` bytes.
inline std::string receive(const base::Fd& socket, size_t size) {
  std::string text(size, '\0');
  REQUIRE(::recv(socket.get(), text.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
  return text;
}

// Everything up to the end of the stream; for helper threads, so without doctest.
inline std::string receive_all(const base::Fd& socket, size_t bytes_per_read = 65'536) {
  std::string all;
  std::string piece(bytes_per_read, '\0');
  for (;;) {
    const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (got <= 0) return all;
    all.append(piece, 0, static_cast<size_t>(got));
  }
}

// Closes with a RST instead of a FIN.
inline void reset_connection(base::Fd& socket) {
  const linger hard{1, 0};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0);
  socket.reset();
}

}  // namespace net_test
