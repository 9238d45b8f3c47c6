#pragma once

// Where a response sends its client (Location, Content-Location, Refresh), as the client has to ask
// for it: by way of the proxy where the upstream means itself, or what the client sends next, body
// and key, would go to whatever is at that path of the proxy.

#include <string_view>

#include "base/arena.h"
#include "base/url.h"
#include "http/head.h"
#include "policy/route.h"

namespace policy {

// Value of borrowed parts: how the request came to the server that answers it.
struct WayBack {
  const Router& router;
  const Route& route;         // of the request, in `router`
  const base::Url& upstream;  // of the route: origin and base path
  std::string_view host;      // what its Host is
  const base::Url& current;  // what was asked last: of another origin where redirects were followed
  bool redirected;           // whether any was
};

// Whether there is something to map: whether making a WayBack is worth it.
[[nodiscard]] bool names_a_place(const http::Head& response);

// Maps those fields in place. A URL of the upstream's own that is reached by the same upstream's
// routes becomes a path of the proxy's, which the client resolves against the address it knows; one
// that is not, and a relative one of another origin, becomes or stays absolute. All else is left as
// it is, byte for byte. New bytes go to `arena`.
void map_way_back(http::Head& response, const WayBack& way, base::Arena& arena);

}  // namespace policy
