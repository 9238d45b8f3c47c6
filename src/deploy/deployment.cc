#include "deploy/deployment.h"

#include <fmt/format.h>
#include <utility>

#include "base/file_mode.h"

namespace deploy {

base::Result<std::shared_ptr<const Deployment>, std::string> deploy(
    std::shared_ptr<const config::Config> config) {
  auto deployment = std::make_shared<Deployment>();
  std::map<std::string, std::shared_ptr<const tls::TrustStore>> by_file;
  for (const auto& [name, upstream] : config->upstreams) {
    if (!upstream.tls.verify) continue;
    const std::string& file = upstream.tls.ca_file;
    if (const auto found = by_file.find(file); found != by_file.end()) {
      deployment->trust.emplace(name, found->second);
      continue;
    }
    if (!file.empty()) base::warn_if_anybody_may_write(file, "pass for the upstream");
    const tls::TrustStore::Loaded loaded =
        file.empty() ? tls::TrustStore::system() : tls::TrustStore::from_file(file);
    if (!loaded) {
      // Plain http needs it only to follow a redirect to https.
      if (upstream.url.origin.scheme == base::Scheme::http) continue;
      return fmt::format("upstreams.{}: {}", name, loaded.error());
    }
    by_file.emplace(file, *loaded);
    deployment->trust.emplace(name, *loaded);
  }
  deployment->config = std::move(config);
  return std::shared_ptr<const Deployment>(std::move(deployment));
}

}  // namespace deploy
