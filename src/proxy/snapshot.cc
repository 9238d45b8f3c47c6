#include "proxy/snapshot.h"

#include <utility>

#include "base/check.h"

namespace proxy {

Snapshot::Snapshot(std::shared_ptr<const config::Config> config,
                   std::shared_ptr<const policy::Gateway> gateway,
                   std::shared_ptr<policy::SharedLimits> shared,
                   Pools pools,
                   MakePool make_pool)
    : config_(std::move(config)),
      pipeline_(*config_, std::move(gateway), std::move(shared)),
      pools_(std::move(pools)),
      make_pool_(std::move(make_pool)) {}

void Snapshot::retire() {
  retired_ = true;
  for (const Pools* pools : {&pools_, &foreign_pools_}) {
    for (const auto& [key, pool] : *pools)
      pool->retire();
  }
}

upstream::UpstreamPool& Snapshot::pool(const std::string& upstream) const {
  const auto found = pools_.find(upstream);
  CHECK(found != pools_.end());
  return *found->second;
}

upstream::UpstreamPool* Snapshot::pool_for(upstream::UpstreamPool& via,
                                           const base::Origin& origin) {
  if (via.identity().url.origin == origin) return &via;
  const std::string key = via.identity().name + " " + origin.text();
  if (const auto found = foreign_pools_.find(key); found != foreign_pools_.end()) {
    return found->second.get();
  }
  if (foreign_pools_.size() >= foreign_pools_max) {
    std::erase_if(foreign_pools_, [](const auto& entry) { return entry.second->unused(); });
    if (foreign_pools_.size() >= foreign_pools_max) return nullptr;
  }
  std::shared_ptr<upstream::UpstreamPool> pool = make_pool_(via, origin);
  if (pool == nullptr) return nullptr;
  if (retired_) pool->retire();
  return foreign_pools_.emplace(key, std::move(pool)).first->second.get();
}

}  // namespace proxy
