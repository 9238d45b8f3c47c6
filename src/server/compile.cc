#include "server/compile.h"

#include <utility>

#include "base/check.h"
#include "base/url.h"
#include "policy/page_origin.h"
#include "upstream/upstream_pool.h"

namespace server {
namespace {

// Value. What the pools of one snapshot are made with.
struct PoolMaker {
  net::Loop& loop;
  observe::Metrics& metrics;
  std::shared_ptr<const config::Config> config;
  MakeDialer make_dialer;

  // For `url`, the upstream's or one it redirects to, of that Host; null where there is no dialer.
  [[nodiscard]] std::shared_ptr<upstream::UpstreamPool> make(const std::string& name,
                                                             const config::Upstream& upstream,
                                                             const base::Url& url,
                                                             const std::string& host) const {
    auto dialer = make_dialer({name, upstream, url.origin, std::string(base::host_of(host))});
    if (dialer == nullptr) return nullptr;
    const bool hides_page = policy::hides_page(upstream.origin, url.origin);
    const config::Limits& limits = config->limits;
    return std::make_shared<upstream::UpstreamPool>(
        loop,
        metrics,
        upstream::UpstreamIdentity{name, url, host, hides_page},
        upstream,
        http::H1Limits{.head_bytes_max = limits.head_bytes_max, .fields_max = limits.fields_max},
        std::move(dialer));
  }
};

}  // namespace

proxy::SnapshotRef compile(net::Loop& loop,
                           observe::Metrics& metrics,
                           std::shared_ptr<const config::Config> config,
                           std::shared_ptr<const policy::Gateway> gateway,
                           std::shared_ptr<policy::SharedLimits> shared,
                           MakeDialer make_dialer) {
  const PoolMaker maker{loop, metrics, config, std::move(make_dialer)};
  proxy::Snapshot::Pools pools;
  for (const auto& [name, upstream] : config->upstreams) {
    const base::Url& url = upstream.url;
    auto pool = maker.make(
        name, upstream, url, upstream.host.empty() ? url.origin.authority() : upstream.host);
    CHECK(pool != nullptr);
    pools.emplace(name, std::move(pool));
  }
  const auto make_foreign_pool = [maker](const upstream::UpstreamPool& via,
                                         const base::Origin& origin) {
    config::Upstream upstream = via.config();
    upstream.pool.warm = 0;
    return maker.make(via.identity().name, upstream, base::Url{origin, "/"}, origin.authority());
  };
  return proxy::SnapshotRef(new proxy::Snapshot(std::move(config),
                                                std::move(gateway),
                                                std::move(shared),
                                                std::move(pools),
                                                make_foreign_pool));
}

}  // namespace server
