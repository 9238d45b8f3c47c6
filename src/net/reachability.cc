#include "net/reachability.h"

#include <algorithm>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace net {
namespace {

constexpr uint32_t probe_idle_s_max = 60;
constexpr uint32_t probes_min = 3;
constexpr uint32_t probes_max = 127;  // the kernel's own bound
// Unanswered ones at a closed window that are no chance: they come ever more seldom, one may be
// lost, and a kernel answers no more than two of them a second.
constexpr uint32_t window_probes_min = 3;

void set(int socket, int level, int name, uint32_t value) {
  static_cast<void>(setsockopt(socket, level, name, &value, sizeof value));
}

}  // namespace

void set_probes(int socket, UnreachableMs unreachable_ms) {
  set(socket, SOL_SOCKET, SO_KEEPALIVE, unreachable_ms == 0 ? 0 : 1);
  if (unreachable_ms == 0) return;
  const uint32_t total_s = std::max(2U, (unreachable_ms + 999) / 1000);
  const uint32_t idle_s = std::min(total_s / 2, probe_idle_s_max);
  const uint32_t rest_s = total_s - idle_s;
  const uint32_t wanted = std::clamp(rest_s / probe_idle_s_max, probes_min, probes_max);
  const uint32_t probes = std::min(wanted, rest_s);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, rest_s / probes);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, probes);
}

std::optional<Delivery> delivery_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return Delivery{.is_awaited = info.tcpi_unacked > 0 || info.tcpi_probes >= window_probes_min,
                  .is_queued = info.tcpi_notsent_bytes > 0,
                  .silent_ms = std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv)};
}

}  // namespace net
