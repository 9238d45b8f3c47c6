#include "process/service_manager.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/log.h"

namespace process {

void tell_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t size = std::strlen(path);
  if (size == 0 || size >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, size);
  // So an abstract address is written.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto address_size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  const base::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::sendto(socket.get(),
               state.data(),
               state.size(),
               MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address),
               address_size) < 0) {
    base::log_warning(
        "cannot tell the service manager at NOTIFY_SOCKET {}: {}", state, std::strerror(errno));
  }
}

}  // namespace process
