#include "tls/session_cache.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace tls {
namespace {

// Wall clocks jump and may stand still in sleep; this one counts both.
uint64_t seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec);
}

}  // namespace

struct SessionCache::Entry {
  SharedSession session;
  uint64_t since_s = 0;
};

SessionCache::SessionCache() = default;
SessionCache::~SessionCache() = default;

void SessionCache::put(SharedSession session) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() == sessions_max) entries_.erase(entries_.begin());
  entries_.push_back({std::move(session), seconds_now()});
}

SharedSession SessionCache::take() {
  const uint64_t now_s = seconds_now();
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return now_s - entry.since_s > age_max_s; });
  if (entries_.empty()) return nullptr;
  SharedSession session = entries_.back().session;
  if (entries_.size() > 1) entries_.pop_back();
  return session;
}

void SessionCache::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

size_t SessionCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

SessionCaches::SessionCaches() = default;
SessionCaches::~SessionCaches() = default;

std::shared_ptr<SessionCache> SessionCaches::of(const std::string& origin,
                                                const ClientOptions& options,
                                                const TrustStore* trust) {
  Key key{origin, options, std::nullopt};
  if (trust != nullptr) key.roots = trust->fingerprint();
  const std::lock_guard lock(mutex_);
  for (const Known& known : caches_) {
    if (known.key == key) return known.cache;
  }
  if (caches_.size() >= caches_max) {
    std::erase_if(caches_, [](const Known& known) { return known.cache.use_count() == 1; });
  }
  caches_.push_back({std::move(key), std::make_shared<SessionCache>()});
  return caches_.back().cache;
}

size_t SessionCaches::size() const {
  const std::lock_guard lock(mutex_);
  return caches_.size();
}

}  // namespace tls
