#pragma once

// Sessions to resume, as upstreams gave them to us.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tls/client_options.h"
#include "tls/trust_store.h"

struct mbedtls_ssl_session;

namespace tls {

// Immutable once kept: each connection that resumes it makes a copy of its own.
using SharedSession = std::shared_ptr<const mbedtls_ssl_session>;

// Resource: the sessions one upstream gave us to resume, the newest first out. Any thread, so that
// workers can share one. Share it only between contexts with equal ClientOptions: a resumed session
// is not verified again.
class SessionCache {
 public:
  static constexpr size_t sessions_max = 16;
  // RFC 8446 4.6.1 allows seven days; a day bounds how long a replaced certificate is trusted on.
  static constexpr uint64_t age_max_s = 24 * 60 * 60;

  SessionCache();
  ~SessionCache();
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;
  SessionCache(SessionCache&&) = delete;
  SessionCache& operator=(SessionCache&&) = delete;

  // Keeps `session`; past sessions_max the oldest goes.
  void put(SharedSession session);
  // A session to try, nullptr when there is none. Each is handed out once (RFC 8446 C.4), but the
  // last stays, for a burst of connections must not each pay a full handshake.
  [[nodiscard]] SharedSession take();
  // Forgets all: a resumption failed.
  void clear();
  [[nodiscard]] size_t size() const;

 private:
  struct Entry;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // the newest last
};

// Resource: the session caches of one upstream, for its own origin and those it redirects to. What
// one worker was given to resume serves them all, and whoever uses it after a reload. Any thread.
class SessionCaches {
 public:
  // Past it, those that nobody uses go.
  static constexpr size_t caches_max = 32;

  SessionCaches();
  ~SessionCaches();
  SessionCaches(const SessionCaches&) = delete;
  SessionCaches& operator=(const SessionCaches&) = delete;
  SessionCaches(SessionCaches&&) = delete;
  SessionCaches& operator=(SessionCaches&&) = delete;

  // The one for connections to `origin` with these `options` and roots (null where nothing is
  // verified), a new one if nobody has been there with the very same: a resumed session is not
  // verified again, so it must be good by all that a new one would be verified against.
  [[nodiscard]] std::shared_ptr<SessionCache> of(const std::string& origin,
                                                 const ClientOptions& options,
                                                 const TrustStore* trust);
  [[nodiscard]] size_t size() const;

 private:
  struct Key {
    std::string origin;
    ClientOptions options;
    std::optional<TrustStore::Fingerprint> roots;

    bool operator==(const Key&) const = default;
  };
  struct Known {
    Key key;
    std::shared_ptr<SessionCache> cache;
  };
  mutable std::mutex mutex_;
  std::vector<Known> caches_;
};

}  // namespace tls
