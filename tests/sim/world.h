#pragma once

// One schedule: the real proxy between simulated clients and upstreams, on streams in memory and a
// clock that jumps. Everything that happens follows from the chance it is given.

#include <cstdint>
#include <deque>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "client/clients.h"
#include "net/loop.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "sim/chance.h"
#include "sim/ledger.h"
#include "sim/plan.h"
#include "sim/proxy_end.h"
#include "support/memory_stream.h"

namespace sim {

class SimClient;
class SimUpstream;

// Resource. Any broken promise ends the process and says which.
class World {
 public:
  // `seed` drives the network, `chance` everybody else.
  World(uint64_t seed, Chance chance);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  World(World&&) = delete;
  World& operator=(World&&) = delete;

  // The whole schedule, to its end and verdict.
  void run();

  // For actors.
  [[nodiscard]] Chance& chance() { return chance_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  // The loop of everything but the proxy: the network's events, the actors' naps.
  [[nodiscard]] net::Loop& kernel() { return kernel_; }
  [[nodiscard]] test::MemoryNetwork& network() { return network_; }
  [[nodiscard]] Request& request(uint64_t id);
  // How long an actor dawdles now; mostly 0.
  [[nodiscard]] uint64_t draw_nap_ms();
  void after(uint64_t delay_ms, std::function<void()> work);

  void register_end(ProxyEnd& end);
  void accept_upstream(std::unique_ptr<test::MemoryStream> stream, const DialedOrigin& origin);

  // Whether the proxy has cut what still ran.
  [[nodiscard]] bool stopped() const { return environment_.stopping; }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    end_in_failure(fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) const {
    if (tracing_) trace_line(fmt::format(format, std::forward<Args>(args)...));
  }

  // For the verdict.
  [[nodiscard]] bool draining() const { return environment_.draining; }
  [[nodiscard]] const std::deque<Request>& requests() const { return requests_; }
  [[nodiscard]] const observe::Metrics& metrics() const { return metrics_; }
  // The largest of all configurations so far.
  [[nodiscard]] uint64_t replay_bytes_max() const { return replay_bytes_max_; }
  // Some configuration so far allows it.
  [[nodiscard]] bool posts_may_run_twice() const { return posts_may_run_twice_; }

 private:
  struct Timer;

  [[noreturn]] void end_in_failure(const std::string& why) const;
  void trace_line(const std::string& line) const;
  void on_turn();
  void settle();
  void check_bounds();
  void spawn_client();
  Request& draw_request(bool is_last);
  [[nodiscard]] bool is_over() const;
  void advance();
  void check_empty();
  void reload();
  void drain();
  void shut_down();
  [[nodiscard]] std::string read_log() const;
  proxy::SnapshotRef compile();
  void note_pools();
  void check_idle(const upstream::UpstreamPool& pool) const;

  bool tracing_;
  Chance chance_;
  Plan plan_;
  net::Loop kernel_;
  test::MemoryNetwork network_;
  net::Loop proxy_;
  int log_fd_;
  std::unique_ptr<observe::AccessLog> access_log_;
  observe::Metrics metrics_;
  base::MemoryLimit memory_;
  proxy::Environment environment_;
  client::Clients proxy_clients_;
  proxy::Entrance entrance_;
  net::Deferred turn_;

  std::deque<Request> requests_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimUpstream>> upstreams_;
  base::IntrusiveList<ProxyEnd> ends_;
  std::vector<std::weak_ptr<const config::Config>> configs_;
  std::vector<std::weak_ptr<upstream::UpstreamPool>> pools_;
  uint32_t clients_spawned_ = 0;
  uint64_t replay_bytes_max_ = 0;
  bool posts_may_run_twice_ = false;
  uint64_t turns_ = 0;
};

}  // namespace sim
