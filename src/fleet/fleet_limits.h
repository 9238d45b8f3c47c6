#pragma once

// Limits of clients that a fleet of proxies shares through one Redis. What is taken has a lease
// there, so that a proxy that dies holds no slots for long.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "config/config.h"
#include "fleet/redis_link.h"
#include "fleet/share.h"
#include "net/deadline.h"
#include "net/timer.h"
#include "policy/shared_limits.h"

namespace fleet {

// Resource, one per worker, shared with its claims: made by make_shared. Whoever is woken keeps it
// to the end of the turn. One thread, its loop's.
class FleetLimits final : public policy::SharedLimits,
                          public std::enable_shared_from_this<FleetLimits>,
                          private RedisLink::Listener {
 public:
  // Connects to where `redis` says. All references outlive it.
  FleetLimits(net::UvLoop& loop,
              net::Resolver& resolver,
              const config::Redis& redis,
              Notices& notices);
  ~FleetLimits() override;
  FleetLimits(const FleetLimits&) = delete;
  FleetLimits& operator=(const FleetLimits&) = delete;
  FleetLimits(FleetLimits&&) = delete;
  FleetLimits& operator=(FleetLimits&&) = delete;

  [[nodiscard]] std::unique_ptr<policy::SharedClaim> ask(const Question& question,
                                                         const policy::Waker& waker) override;

  [[nodiscard]] const config::Redis& redis() const { return redis_; }
  // Once nobody asks any more: what was told is still delivered, then nothing keeps the loop.
  void close();

 private:
  class Claim;
  using ShareRef = std::shared_ptr<Share>;
  // A command whose reply is due.
  struct Sent {
    Script script = Script::take;
    Told told = Told::first;
    ShareRef share = {};
  };
  struct Waiting {
    uint64_t due_ms = 0;
    ShareRef share = {};
  };
  struct Untold {
    Told told = Told::first;
    ShareRef share = {};
  };

  void on_link_ready() override;
  void on_link_reply(const RedisReply& reply) override;
  void on_link_lost() override;

  enum class Form : uint8_t { digest, whole };  // how a command names its script
  [[nodiscard]] ScriptName name_of(Script script, Form form) const;
  void put(const ShareRef& share, Form form);
  void tell(const ShareRef& share, Told told, Form form);
  void end(const ShareRef& share);
  void keep_untold(const ShareRef& share, Told told);
  void on_error(const Sent& sent, std::string_view error);
  void on_looked(const ShareRef& share, const RedisReply& reply);
  void on_taken(const ShareRef& share, const RedisReply& reply);
  void decide(const ShareRef& share, Share::State state);
  void on_overdue();
  void renew();

  net::UvLoop& loop_;
  const config::Redis redis_;
  const std::string id_prefix_;
  uint64_t ids_ = 0;
  Notices& notices_;
  std::deque<Sent> sent_;        // in the order of their replies
  std::deque<Waiting> waiting_;  // for an answer, or decided since; in the order of their time
  std::deque<ShareRef> early_;   // until the link is ready
  std::deque<Untold> untold_;    // ended while it was not
  base::IntrusiveList<Share> leased_;
  net::Timer overdue_;
  bool is_last_call_ = false;
  net::Deadline renew_;
  RedisLink link_;  // last: it calls from its end
};

}  // namespace fleet
