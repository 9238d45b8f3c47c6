#include "deploy/deployment.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/bytes.h"
#include "base/file_mode.h"
#include "policy/clock.h"
#include "tls/sha256.h"

namespace deploy {
namespace {

using Trust = std::shared_ptr<const tls::TrustStore>;

// A store that holds the same remembers which chains it has found good.
Trust known_or(Trust loaded, const Deployment* former) {
  if (former == nullptr) return loaded;
  for (const auto& [name, known] : former->trust) {
    if (known->fingerprint() == loaded->fingerprint()) return known;
  }
  return loaded;
}

// Which store an upstream is verified by; null: none.
const tls::TrustStore* trust_of(const Deployment& deployment, const std::string& upstream) {
  const auto found = deployment.trust.find(upstream);
  return found == deployment.trust.end() ? nullptr : found->second.get();
}

// Whether `upstream` leads to the same place in both, and is checked there in the same way. What
// belongs to it (where it redirects to, too) may be taken over then.
bool is_same_upstream(const Deployment& now, const Deployment& former, const std::string& name) {
  const auto found = former.config->upstreams.find(name);
  if (found == former.config->upstreams.end()) return false;
  const config::Upstream& before = found->second;
  const config::Upstream& upstream = now.config->upstreams.at(name);
  const tls::TrustStore* const trust = trust_of(now, name);
  const tls::TrustStore* const trust_before = trust_of(former, name);
  const bool is_same_trust = trust == nullptr || trust_before == nullptr
                                 ? trust == trust_before
                                 : trust->fingerprint() == trust_before->fingerprint();
  return upstream.url.origin == before.url.origin && upstream.host == before.host &&
         upstream.tls == before.tls && is_same_trust;
}

// What `deployment`, of which all else is there, has from the one it replaces.
Lasting lasting_of(const Deployment& deployment, const Deployment* former) {
  Lasting lasting;
  for (const auto& [name, upstream] : deployment.config->upstreams) {
    const bool is_known = former != nullptr && is_same_upstream(deployment, *former, name);
    lasting.sessions.emplace(
        name,
        is_known ? former->lasting.sessions.at(name) : std::make_shared<tls::SessionCaches>());
  }
  return lasting;
}

policy::Digest digest_of(std::string_view text) {
  tls::Sha256 hash;
  hash.add(base::as_bytes(text));
  return hash.finish();
}

using Gateway = std::shared_ptr<const policy::Gateway>;

base::Result<Gateway, std::string> make_gateway(const config::Config& config,
                                                const Deployment* former) {
  const bool has_keys =
      std::any_of(config.upstreams.begin(), config.upstreams.end(), [](const auto& upstream) {
        return !upstream.second.keys.empty();
      });
  if (config.clients.empty() && !has_keys && config.state.file.empty()) return Gateway();
  const policy::Now now{.us = policy::monotonic_us(), .s = policy::realtime_s()};
  return policy::Gateway::make(
      config, former == nullptr ? nullptr : former->gateway.get(), digest_of, now);
}

}  // namespace

base::Result<std::shared_ptr<const Deployment>, std::string> deploy(
    std::shared_ptr<const config::Config> config, const Deployment* former) {
  auto deployment = std::make_shared<Deployment>();
  std::map<std::string, Trust> by_file;
  for (const auto& [name, upstream] : config->upstreams) {
    if (!upstream.tls.verify) continue;
    const std::string& file = upstream.tls.ca_file;
    if (const auto found = by_file.find(file); found != by_file.end()) {
      deployment->trust.emplace(name, found->second);
      continue;
    }
    if (!file.empty()) base::warn_if_anybody_may_write(file, "pass for the upstream");
    tls::TrustStore::Loaded loaded =
        file.empty() ? tls::TrustStore::system() : tls::TrustStore::from_file(file);
    if (!loaded) {
      // Plain http needs it only to follow a redirect to https.
      if (upstream.url.origin.scheme == base::Scheme::http) continue;
      return fmt::format("upstreams.{}: {}", name, loaded.error());
    }
    const Trust trust = known_or(*std::move(loaded), former);
    by_file.emplace(file, trust);
    deployment->trust.emplace(name, trust);
  }
  auto gateway = make_gateway(*config, former);
  if (!gateway) return gateway.error();
  deployment->gateway = *std::move(gateway);
  deployment->config = std::move(config);
  deployment->lasting = lasting_of(*deployment, former);
  return std::shared_ptr<const Deployment>(std::move(deployment));
}

}  // namespace deploy
