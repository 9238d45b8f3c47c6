#include "net/delivery.h"

#include <algorithm>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace net {
namespace {

// Unanswered ones at a closed window that are no chance: they come ever more seldom, one may be
// lost, and a kernel answers no more than two of them a second.
constexpr uint32_t window_probes_min = 3;

// What the kernel tells of a TCP connection, and how much of it: older ones know less.
struct Told {
  tcp_info info{};
  socklen_t size = 0;  // 0: it is none
};

Told ask(int socket) {
  Told told;
  told.size = sizeof told.info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &told.info, &told.size) != 0) told.size = 0;
  return told;
}

}  // namespace

std::optional<Delivery> delivery_of(int socket) {
  const auto [info, size] = ask(socket);
  if (size == 0) return std::nullopt;
  return Delivery{.is_awaited = info.tcpi_unacked > 0 || info.tcpi_probes >= window_probes_min,
                  .is_queued = info.tcpi_notsent_bytes > 0,
                  .silent_ms = std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv)};
}

size_t unacknowledged_bytes(int socket) {
  int bytes = 0;
  if (ioctl(socket, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<size_t>(bytes);
}

bool is_over_with_at_most(int socket, uint64_t bytes) {
  constexpr uint8_t tcp_close = 7;  // the kernel's TCP_CLOSE, which is in no header of its own
  const auto [info, size] = ask(socket);
  const size_t needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  if (size < needed || info.tcpi_state != tcp_close) return false;
  // The handshake's SYN counts as one byte.
  return info.tcpi_bytes_acked <= bytes + 1;
}

}  // namespace net
