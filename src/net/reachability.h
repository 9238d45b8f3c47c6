#pragma once

// Whether the machine at the other end of a TCP connection is still there. One that is gone without
// a word (a cable, a router, a sleeping laptop, an address that changed) sends nothing that could
// be read, and left to itself the kernel goes on trying for 15 minutes.
//
// Two things tell: the kernel's keep-alive probes where both sides are silent, and on_check() of a
// Tcp where bytes are on their way. TCP_USER_TIMEOUT would do for both, but it also ends a
// connection whose other end is there and merely does not read for that long (a model server at
// work on somebody else's request, a player that is paused).

#include <cstdint>

namespace net {

// How long the other machine may acknowledge nothing; 0: as long as the system lets it.
using UnreachableMs = uint32_t;

// Has the kernel probe a connection that is silent, so that it fails with ETIMEDOUT once nothing
// has been acknowledged for `unreachable_ms` (in whole seconds, at least two), and so that nothing
// between the two forgets it: no two probes are more than a minute apart but for hours of
// `unreachable_ms`. At a listening socket: for those it accepts from now on. Nothing happens at a
// unix socket.
void set_probes(int socket, UnreachableMs unreachable_ms);

}  // namespace net
