#pragma once

// The seam to the network: how an upstream connection is opened. Real ones in origin_dialer.h, a
// world in memory in the simulation.

#include <cstdint>
#include <memory>

#include "net/address.h"
#include "net/byte_stream.h"
#include "net/loop.h"

namespace upstream {

// Resource, owned by its pool, which buries it: a stream may use it (its TLS context) until it
// dies, and streams die in the graveyard.
class Dialer : public net::Buried {
 public:
  // A stream on its way to the upstream: `listener` hears on_connected() or on_error(), within the
  // dialer's own timeouts, never from within this call.
  [[nodiscard]] virtual std::unique_ptr<net::ByteStream> dial(
      net::ByteStreamListener& listener) = 0;

  // Asked for each use of a kept connection, so it costs next to nothing: counts how often the
  // origin may have moved to other addresses, and looks whether it has from time to time.
  [[nodiscard]] virtual uint64_t moves() { return 0; }
  // Whether the origin is still at `peer`, to which one of its streams was connected.
  [[nodiscard]] virtual bool leads_to(const net::Address& /*peer*/) const { return true; }
};

}  // namespace upstream
