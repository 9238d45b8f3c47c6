// Making listening sockets; listener.cc accepts from them.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "net/address.h"
#include "net/listener.h"

namespace net {
namespace {

constexpr mode_t unix_mode = 0660;

using Error = std::string;
using Bound = base::Result<BoundSockets, Error>;

// What to do about `error`, or nothing.
std::string hint(const ListenAddress& address, int error) {
  const bool is_unix = !address.unix_path.empty();
  switch (error) {
    case EADDRINUSE:
      return is_unix
                 ? " (another program listens there: `ss -lxp` shows which; stop it, or listen on "
                   "another path)"
                 : " (another program listens there: `ss -ltnp \"sport = :" +
                       std::to_string(address.port) +
                       "\"` shows which; stop it, or listen on another port)";
    case EADDRNOTAVAIL:
      return " (no network interface of this machine has it: `ip address` shows those there are; "
             "0.0.0.0 is all of them)";
    case EACCES:
      return is_unix ? " (this user may not create files in that folder)"
                     : " (ports below 1024 need root or CAP_NET_BIND_SERVICE: listen on 8080, say, "
                       "or `sudo setcap cap_net_bind_service=+ep` the program)";
    case EEXIST:
      return " (what is there is no socket: remove it, or choose another path)";
    case ENOENT:
      return is_unix ? " (its folder does not exist: create it with `mkdir -p`)" : "";
    default:
      return {};
  }
}

Error why(const ListenAddress& address, int error) {
  // The C library spells it with a capital letter.
  std::string text = std::strerror(error);
  text[0] = base::to_lower(text[0]);
  return "cannot listen on " + address.text() + ": " + text + hint(address, error);
}

bool set_option(const base::Fd& socket, int level, int name) {
  const int on = 1;
  return ::setsockopt(socket.get(), level, name, &on, sizeof on) == 0;
}

enum class Sharing : uint8_t { alone, among_workers };

// A bound TCP socket; on failure none, with errno set.
base::Fd bind_tcp(const Address& address, Sharing sharing) {
  base::Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  bool ok = set_option(socket, SOL_SOCKET, SO_REUSEADDR);
  if (sharing == Sharing::among_workers) ok = ok && set_option(socket, SOL_SOCKET, SO_REUSEPORT);
  if (address.is_ipv6()) ok = ok && set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY);
  ok = ok && ::bind(socket.get(), address.system(), address.system_size()) == 0;
  return ok ? std::move(socket) : base::Fd();
}

Bound listen_tcp(const ListenAddress& wanted, size_t count) {
  std::optional<Address> address = Address::parse(wanted.host, wanted.port);
  if (!address) {
    return "cannot listen on " + wanted.text() + ": not a literal IPv4 or IPv6 address";
  }
  // SO_REUSEPORT would let a second proxy of the same user in without a word, and each would get
  // half of the connections.
  if (wanted.port != 0 && !bind_tcp(*address, Sharing::alone)) return why(wanted, errno);
  BoundSockets bound{wanted, {}};
  for (size_t i = 0; i < count; ++i) {
    base::Fd socket = bind_tcp(*address, Sharing::among_workers);
    if (!socket || ::listen(socket.get(), SOMAXCONN) != 0) return why(wanted, errno);
    if (address->port() == 0) {
      sockaddr_storage chosen{};
      socklen_t size = sizeof chosen;
      if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&chosen), &size) != 0) {
        return why(wanted, errno);
      }
      address = Address::from_system(reinterpret_cast<const sockaddr*>(&chosen));
      bound.address.port = address->port();
    }
    bound.sockets.push_back(std::move(socket));
  }
  return bound;
}

base::Fd unix_socket() {
  return base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Clears the way for a socket at `path`; an errno, or 0.
int remove_stale_socket(const sockaddr_un& path) {
  struct stat found {};
  if (::lstat(path.sun_path, &found) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(found.st_mode)) return EEXIST;
  const base::Fd probe = unix_socket();
  if (!probe) return errno;
  // A full backlog (EAGAIN) is somebody, too.
  const int result = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path);
  if (result == 0 || errno != ECONNREFUSED) return EADDRINUSE;
  return ::unlink(path.sun_path) == 0 ? 0 : errno;
}

// Whether `path`, all zero yet, can hold it.
bool to_system(const std::string& unix_path, sockaddr_un& path) {
  path.sun_family = AF_UNIX;
  if (unix_path.size() >= sizeof path.sun_path) return false;
  std::memcpy(path.sun_path, unix_path.data(), unix_path.size());
  return true;
}

Bound listen_unix(const ListenAddress& wanted, size_t count) {
  sockaddr_un path{};
  if (!to_system(wanted.unix_path, path)) return why(wanted, ENAMETOOLONG);
  const int error = remove_stale_socket(path);
  if (error != 0) return why(wanted, error);
  base::Fd socket = unix_socket();
  // The mode before binding, so that nobody gets in between; after it, because the umask took some.
  if (!socket || ::fchmod(socket.get(), unix_mode) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path) != 0) {
    return why(wanted, errno);
  }
  if (::chmod(path.sun_path, unix_mode) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    return why(wanted, errno);
  }
  BoundSockets bound{wanted, {}};
  for (size_t i = 1; i < count; ++i) {
    bound.sockets.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!bound.sockets.back()) return why(wanted, errno);
  }
  bound.sockets.push_back(std::move(socket));
  return bound;
}

}  // namespace

std::string ListenAddress::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Bound bind_listener(const ListenAddress& address, size_t count) {
  CHECK(count > 0);
  return address.unix_path.empty() ? listen_tcp(address, count) : listen_unix(address, count);
}

void remove_socket_file(const ListenAddress& address) {
  sockaddr_un path{};
  if (address.unix_path.empty() || !to_system(address.unix_path, path)) return;
  static_cast<void>(remove_stale_socket(path));
}

}  // namespace net
