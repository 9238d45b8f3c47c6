#pragma once

// One configuration as one worker runs it. Exchanges hold the snapshot they began with to their
// end, so a reload never changes a request under way.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/counted.h"
#include "base/url.h"
#include "config/config.h"
#include "policy/pipeline.h"
#include "upstream/upstream_pool.h"

namespace proxy {

// Resource, counted without atomics by the exchanges on it: an atomic count would be a cache line
// that every core touches for every request. One thread.
class Snapshot final : public base::Counted {
 public:
  using Pools = std::map<std::string, std::shared_ptr<upstream::UpstreamPool>>;
  // Makes a pool for an origin that a redirect of `via` leads to; nullptr where its certificate
  // could not be verified.
  using MakePool = std::function<std::shared_ptr<upstream::UpstreamPool>(
      const upstream::UpstreamPool& via, const base::Origin& origin)>;

  Snapshot(std::shared_ptr<const config::Config> config,
           std::shared_ptr<const policy::Gateway> gateway,
           std::shared_ptr<policy::SharedLimits> shared,
           Pools pools,
           MakePool make_pool);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  Snapshot(Snapshot&&) = delete;
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() = default;

  [[nodiscard]] const config::Config& config() const { return *config_; }
  [[nodiscard]] const policy::Pipeline& pipeline() const { return pipeline_; }
  [[nodiscard]] const Pools& pools() const { return pools_; }
  // Those that redirects have led to so far; the keys are its own.
  [[nodiscard]] const Pools& foreign_pools() const { return foreign_pools_; }

  // Another takes its place: no pool of it keeps anything from now on.
  void retire();

  // The pool of a configured upstream; configuration checks that every route's exists.
  [[nodiscard]] upstream::UpstreamPool& pool(const std::string& upstream) const;

  // The pool for the origin of a redirect: `via` itself where it is the same origin. nullptr when
  // too many foreign origins are in use, or it cannot be verified.
  [[nodiscard]] upstream::UpstreamPool* pool_for(upstream::UpstreamPool& via,
                                                 const base::Origin& origin);

 private:
  static constexpr size_t foreign_pools_max = 32;

  std::shared_ptr<const config::Config> config_;
  policy::Pipeline pipeline_;
  Pools pools_;
  Pools foreign_pools_;  // by upstream name and origin
  MakePool make_pool_;
  bool retired_ = false;
};

using SnapshotRef = base::Ref<Snapshot>;

}  // namespace proxy
