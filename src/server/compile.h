#pragma once

// A configuration as one worker runs it: its routes, and a pool for each upstream.

#include <functional>
#include <memory>
#include <string>

#include "base/url.h"
#include "config/config.h"
#include "net/loop.h"
#include "observe/metrics.h"
#include "policy/gateway.h"
#include "policy/shared_limits.h"
#include "proxy/snapshot.h"
#include "upstream/dialer.h"

namespace server {

// Value. What a pool is about to dial; borrowed for the call.
struct Destination {
  const std::string& upstream;  // its name in the configuration
  const config::Upstream& config;
  const base::Origin& origin;      // the upstream's, or where it redirects to
  const std::string& server_name;  // what it is called there, without a port
};

// Makes the dialer of a pool; null where what answers there could not be verified, which may be
// said of redirects' origins alone.
using MakeDialer = std::function<std::unique_ptr<upstream::Dialer>(const Destination&)>;

// `gateway` may be null: neither clients nor keys; so may `shared`: no limits are. `loop` and
// `metrics` outlive the snapshot; `make_dialer`, which goes with it, is called again for each
// origin that a redirect leads to.
[[nodiscard]] proxy::SnapshotRef compile(net::Loop& loop,
                                         observe::Metrics& metrics,
                                         std::shared_ptr<const config::Config> config,
                                         std::shared_ptr<const policy::Gateway> gateway,
                                         std::shared_ptr<policy::SharedLimits> shared,
                                         MakeDialer make_dialer);

}  // namespace server
