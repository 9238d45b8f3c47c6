#pragma once

// Names to addresses: a per-worker cache over uv_getaddrinfo, one lookup at a time per name.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <uv.h>

#include "base/intrusive_list.h"
#include "net/address.h"
#include "net/uv_loop.h"

namespace net {

// How long answers serve. A good one is fresh at first; after that it goes on serving while a new
// one is fetched in the background, up to the maximum if that keeps failing.
struct ResolverTimes {
  uint64_t fresh_ms = 60'000;
  uint64_t stale_ms_max = 3'600'000;
  uint64_t failure_ms = 1'000;  // a failure is not asked about again
};

// Resource, one per worker. One thread.
class Resolver {
 public:
  static constexpr size_t names_max = 256;
  static constexpr size_t addresses_max = 16;  // per name, the rest is ignored

  // Somebody waiting for an answer: a member of the one who asks. Destroying it cancels.
  class Query : public base::ListLink<Query> {
   public:
    // Called once per resolve(), from the loop, never from within resolve(). `addresses` (port 0,
    // borrowed for the call, in the order to try) is empty exactly when `error`, a uv code, is not
    // 0.
    using Done = void (*)(void* owner, std::span<const Address> addresses, int error);
    Query(void* owner, Done done) : owner_(owner), done_(done) {}

   private:
    friend class Resolver;
    void* owner_;
    Done done_;
    std::string host_;
  };

  // The signature of uv_getaddrinfo: what tests replace.
  using SystemLookup = int (*)(uv_loop_t* loop,
                               uv_getaddrinfo_t* request,
                               uv_getaddrinfo_cb done,
                               const char* host,
                               const char* service,
                               const addrinfo* hints);

  explicit Resolver(UvLoop& loop,
                    const ResolverTimes& times = {},
                    SystemLookup lookup = &uv_getaddrinfo);
  // Queries still waiting are forgotten; a running lookup ends on its own.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Resolver(Resolver&&) = delete;
  Resolver& operator=(Resolver&&) = delete;

  // Answers `query`, which must not be waiting already. `host` is copied. A literal address is its
  // own answer.
  void resolve(std::string_view host, Query& query);

  // Connecting to `address` worked: the next answers for `host` begin with its family, so that a
  // broken IPv6 path costs one race, not one per connection. Either may be unknown here.
  void prefer(std::string_view host, const Address& address);

  // System lookups started so far, for metrics.
  [[nodiscard]] uint64_t lookups() const { return lookups_; }

 private:
  struct Entry;
  struct Lookup;

  Entry* find_or_make(std::string_view host);
  void start_lookup(const std::string& host, Entry& entry);
  void finish_lookup(const std::string& host, int status, const addrinfo* found);
  void answer_ready();
  void answer(Query& query);

  [[nodiscard]] bool can_serve(const Entry& entry) const;

  UvLoop& loop_;
  ResolverTimes times_;
  SystemLookup lookup_;
  uint64_t lookups_ = 0;
  uint64_t uses_ = 0;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  base::IntrusiveList<Lookup> running_;
  base::IntrusiveList<Query> ready_;  // the answer is there, told at the end of the turn
  Deferred answer_ready_;
};

}  // namespace net
