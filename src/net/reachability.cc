#include "net/reachability.h"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace net {
namespace {

constexpr uint32_t probe_idle_s_max = 60;
constexpr uint32_t probes_min = 3;
constexpr uint32_t probes_max = 127;  // the kernel's own bound

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

}  // namespace net
