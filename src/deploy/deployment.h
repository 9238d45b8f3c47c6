#pragma once

// A configuration with all it names loaded: what may fail has failed before a worker sees it.

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "tls/session_cache.h"
#include "tls/trust_store.h"

namespace deploy {

// Value, shared by the workers; immutable but for what says otherwise.
struct Deployment {
  std::shared_ptr<const config::Config> config;
  // By upstream name; null where nothing is verified.
  std::map<std::string, std::shared_ptr<const tls::TrustStore>> trust;
  // Not const: workers share it while they run.
  std::shared_ptr<tls::SessionCaches> sessions = std::make_shared<tls::SessionCaches>();
};

// Loads what `config` names. The error says what is wrong and what to do.
[[nodiscard]] base::Result<std::shared_ptr<const Deployment>, std::string> deploy(
    std::shared_ptr<const config::Config> config);

}  // namespace deploy
