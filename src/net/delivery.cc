#include "net/delivery.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace net {

size_t unacknowledged_bytes(int socket) {
  int bytes = 0;
  if (ioctl(socket, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<size_t>(bytes);
}

bool is_over_with_at_most(int socket, uint64_t bytes) {
  constexpr uint8_t tcp_close = 7;  // the kernel's TCP_CLOSE, which is in no header of its own
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  const size_t needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  if (size < needed || info.tcpi_state != tcp_close) return false;
  // The handshake's SYN counts as one byte.
  return info.tcpi_bytes_acked <= bytes + 1;
}

}  // namespace net
