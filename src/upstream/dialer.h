#pragma once

// The seam to the network: how an upstream connection is opened. Real ones in origin_dialer.h, a
// world in memory in the simulation.

#include <memory>

#include "net/byte_stream.h"
#include "net/loop.h"

namespace proxy {

// Resource, owned by its pool, which buries it: a stream may use it (its TLS context) until it
// dies, and streams die in the graveyard.
class Dialer : public net::Buried {
 public:
  // A stream on its way to the upstream: `listener` hears on_connected() or on_error(), within the
  // dialer's own timeouts, never from within this call.
  [[nodiscard]] virtual std::unique_ptr<net::ByteStream> dial(
      net::ByteStreamListener& listener) = 0;
};

}  // namespace proxy
