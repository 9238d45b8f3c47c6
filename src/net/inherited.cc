#include "net/inherited.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "base/parse_number.h"
#include "net/address.h"

namespace net {
namespace {

// More than any configuration names; what is beyond is no protocol but a mistake.
constexpr uint32_t descriptors_max = 4096;

// Takes a variable out of the environment.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

bool is_listening(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

// Where `fd` listens; nowhere a configuration could name, if it is no address of ours.
ListenAddress address_of(int fd) {
  sockaddr_storage storage{};
  auto* system = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  if (::getsockname(fd, system, &size) != 0) return {};
  if (system->sa_family == AF_UNIX) {
    const auto* path = reinterpret_cast<const sockaddr_un*>(system)->sun_path;
    return {.host = {},
            .port = 0,
            .unix_path = std::string(path, ::strnlen(path, sizeof(sockaddr_un::sun_path)))};
  }
  const Address address = Address::from_system(system);
  return {.host = address.host_text(), .port = address.port(), .unix_path = {}};
}

bool is_at(const ListenAddress& found, const ListenAddress& wanted) {
  if (!wanted.unix_path.empty() || !found.unix_path.empty()) {
    return found.unix_path == wanted.unix_path;
  }
  const auto one = Address::parse(found.host, found.port);
  const auto other = Address::parse(wanted.host, wanted.port);
  return one && other && one->family() == other->family() && one->bytes() == other->bytes() &&
         (wanted.port == 0 || wanted.port == found.port);
}

bool prepare(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

}  // namespace

base::Result<InheritedSockets, std::string> InheritedSockets::from_environment() {
  const std::string pid = take_variable(inherited_pid);
  const std::string count = take_variable(inherited_count);
  ::unsetenv(inherited_names);
  InheritedSockets inherited;
  if (pid.empty() || base::parse_number<uint32_t>(pid) != static_cast<uint32_t>(::getpid()))
    return inherited;
  const auto descriptors = base::parse_number<uint32_t>(count);
  if (!descriptors || *descriptors > descriptors_max) {
    return std::string(inherited_count) + " is `" + count +
           "`: it must be the number of listening sockets, or be unset";
  }
  const int end = inherited_first + static_cast<int>(*descriptors);
  for (int fd = inherited_first; fd < end; ++fd) {
    if (!is_listening(fd) || !prepare(fd)) {
      return std::string(inherited_count) + " is " + count + ", but descriptor " +
             std::to_string(fd) +
             " is no listening socket: hand over stream sockets that listen (systemd: "
             "ListenStream=, Accept=no)";
    }
    inherited.sockets_.push_back({base::Fd(fd), address_of(fd)});
  }
  return inherited;
}

base::Result<BoundSockets, std::string> InheritedSockets::take(const ListenAddress& address,
                                                               size_t count) {
  BoundSockets bound{address, {}};
  for (Socket& socket : sockets_) {
    if (!socket.fd || !is_at(socket.address, bound.address)) continue;
    // From the first one on the port is known.
    bound.address.port = socket.address.port;
    bound.sockets.push_back(std::move(socket.fd));
  }
  std::erase_if(sockets_, [](const Socket& socket) { return !socket.fd; });
  const size_t found = bound.sockets.size();
  for (size_t i = found; found != 0 && i < count; ++i) {
    bound.sockets.emplace_back(::fcntl(bound.sockets[i - found].get(), F_DUPFD_CLOEXEC, 0));
    if (!bound.sockets.back()) {
      return "cannot share the listening socket of " + address.text() + ": " +
             std::strerror(errno) + "; raise `ulimit -n`";
    }
  }
  return bound;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> texts;
  for (const Socket& socket : sockets_) {
    std::string text = socket.address.text();
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

}  // namespace net
