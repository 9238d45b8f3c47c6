#pragma once

// A configuration with all it names loaded: what may fail has failed before a worker sees it.

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "policy/gateway.h"
#include "tls/session_cache.h"
#include "tls/trust_store.h"

namespace deploy {

// Value. What outlives a reload: the workers write into it while they run, and each deployment
// takes it over from the one it replaces, as far as its own configuration means the same by it; the
// rest goes with the last who uses it. Whatever counts or remembers beyond a request belongs here:
// ledgers, rate limits, keys that cool down. Any thread uses what it points to.
struct Lasting {
  // TLS sessions to resume, by upstream; of every one that is configured.
  std::map<std::string, std::shared_ptr<tls::SessionCaches>> sessions;
};

// Value, shared by the workers; immutable but for what lasts.
struct Deployment {
  std::shared_ptr<const config::Config> config;
  // By upstream name; null where nothing is verified.
  std::map<std::string, std::shared_ptr<const tls::TrustStore>> trust;
  // Clients and keys, with what they have used; null where there are neither.
  std::shared_ptr<const policy::Gateway> gateway;
  Lasting lasting;
};

// Loads what `config` names. `former` is what it replaces, null where there is none; it is left as
// it is, should this one not come to be used. The error says what is wrong and what to do.
[[nodiscard]] base::Result<std::shared_ptr<const Deployment>, std::string> deploy(
    std::shared_ptr<const config::Config> config, const Deployment* former);

}  // namespace deploy
