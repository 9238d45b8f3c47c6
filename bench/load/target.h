#pragma once

// Where a target really is, and whom to trust for it.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/url.h"
#include "bench/load/plan.h"
#include "net/address.h"
#include "tls/trust_store.h"

namespace bench::load {

// All addresses of the origin's host, by the system's resolver; blocks. The error says what to do.
[[nodiscard]] base::Result<std::vector<net::Address>, std::string> addresses_of(
    const base::Origin& origin);

// 127.0.0.0/8, also mapped into IPv6, and ::1.
[[nodiscard]] bool is_loopback(const net::Address& address);

// The roots that the target's certificate is checked against; null where there is no TLS or nothing
// is checked. The error says what to do.
[[nodiscard]] tls::TrustStore::Loaded load_trust(const Plan& plan);

}  // namespace bench::load
