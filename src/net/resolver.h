#pragma once

// Names to addresses for one worker: a cache over what the process's NameService knows, one
// question at a time per name.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "net/address.h"
#include "net/deadline.h"
#include "net/mailbox.h"
#include "net/name_source.h"
#include "net/uv_loop.h"

namespace net {

// How long answers serve. A good one is fresh at first; after that whoever asks waits for the
// source, which answers soon from what it knew where no name server does. Should that fail, the
// former answer goes on serving up to the maximum.
struct ResolverTimes {
  uint64_t fresh_ms_max = 60'000;  // where the answer does not say less
  uint64_t stale_ms_max = 3'600'000;
  uint64_t failure_ms = 1'000;  // a failure is not asked about again
};

// Resource, one per worker. One thread.
class Resolver {
 public:
  static constexpr size_t names_max = 256;
  static constexpr size_t addresses_max = NameSource::addresses_max;

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

  // `source` outlives the last question put to it.
  Resolver(UvLoop& loop, NameSource& source, const ResolverTimes& times = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Resolver(Resolver&&) = delete;
  Resolver& operator=(Resolver&&) = delete;

  // Queries still waiting are forgotten, and nothing keeps the loop running any more.
  void close();

  // Answers `query`, which must not be waiting already. `host` is copied. A literal address is its
  // own answer.
  void resolve(std::string_view host, Query& query);

  // Connecting to `address` worked: the next answers for `host` begin with its family, so that a
  // broken IPv6 path costs one race, not one per connection. Either may be unknown here.
  void prefer(std::string_view host, const Address& address);

  // For who goes on using connections to `host`: asks for it again where what is known is no longer
  // fresh, and then as it ages, for a minute from here. Nothing is told; see changes().
  void refresh(std::string_view host);
  // Counts how often the addresses of some name have become others.
  [[nodiscard]] uint64_t changes() const { return changes_; }
  // Whether `address` (its port aside) is still one of `host`'s, as far as is known; a literal
  // address is its own.
  [[nodiscard]] bool leads_to(std::string_view host, const Address& address) const;

  // Questions put so far, for metrics.
  [[nodiscard]] uint64_t lookups() const { return lookups_; }

 private:
  struct Entry;

  Entry* find_or_make(std::string_view host);
  [[nodiscard]] bool is_fresh(const Entry& entry) const;
  [[nodiscard]] bool needs_lookup(const Entry& entry) const;
  void start_lookup(const std::string& host, Entry& entry);
  void finish_lookup(const std::string& host, const NameAnswer& answer);
  void take_addresses(Entry& entry, const NameAnswer& answer);
  void refresh_used();
  void set_refresh();
  void answer_ready();
  void answer(Query& query);

  [[nodiscard]] bool can_serve(const Entry& entry) const;

  UvLoop& loop_;
  NameSource& source_;
  ResolverTimes times_;
  std::shared_ptr<Mailbox> answers_;  // from the source's thread; shared with who may still post
  uint64_t lookups_ = 0;
  uint64_t changes_ = 0;
  size_t running_ = 0;
  uint64_t uses_ = 0;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  base::IntrusiveList<Query> ready_;  // the answer is there, told at the end of the turn
  Deferred answer_ready_;
  Deadline refresh_;
};

}  // namespace net
