#pragma once

// Where a client came in, and what is behind it.

#include "local/service.h"

namespace proxy {

// Value, of one listening address; outlives the connections that came through it.
struct Entrance {
  local::Service* service = nullptr;  // what answers; nullptr: upstreams do
  bool is_https = false;

  // See local::Service.
  [[nodiscard]] bool is_limited() const { return service == nullptr || service->is_limited(); }
  [[nodiscard]] bool is_logged() const { return service == nullptr || service->is_logged(); }
};

}  // namespace proxy
