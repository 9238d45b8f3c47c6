#pragma once

// One thread of a run: a loop, its connections, and who of them asks when.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/intrusive_list.h"
#include "bench/base/fine_timers.h"
#include "bench/load/load_connection.h"
#include "bench/load/pacer.h"
#include "bench/load/plan.h"
#include "bench/load/recorder.h"
#include "bench/load/request.h"
#include "bench/load/scenario.h"
#include "bench/load/timeline.h"
#include "net/mailbox.h"
#include "net/name_service.h"
#include "net/resolver.h"
#include "net/uv_loop.h"
#include "tls/context.h"

namespace bench::load {

// What the threads of a run and the one that started them share. Any thread.
struct Shared {
  Shared(const Plan& the_plan, std::shared_ptr<const tls::TrustStore> the_trust)
      : plan(the_plan), trust(std::move(the_trust)), timeline(the_plan.threads) {}

  const Plan& plan;
  const std::shared_ptr<const tls::TrustStore> trust;  // null: certificates are not verified
  Timeline timeline;
  std::atomic<uint64_t> taken{0};  // of Plan::requests_max

  std::mutex mutex;
  std::condition_variable changed;  // of what follows, guarded by the mutex
  uint32_t threads_settled = 0;     // their first connections are open, or are not to be had
  uint32_t threads_done = 0;        // nothing is under way there any more
  uint32_t connections_opened = 0;  // of the first ones
  std::string open_error;           // why one of those is not
};

// Resource, owned by run_load(); made, told and joined on its thread.
class Thread final : private ConnectionOwner {
 public:
  Thread(Shared& shared, uint32_t index);
  // Joins the thread, which must have been told to end().
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  Thread(Thread&&) = delete;
  Thread& operator=(Thread&&) = delete;

  // Starts the thread, which opens its connections and counts itself in threads_settled.
  void open();
  // Requests are made from `start_ns` on; it counts itself in threads_done at the end of `window`,
  // when all is answered or was given time enough.
  void begin(uint64_t start_ns, const Window& window);
  // No request is made any more, none under way is waited for; done at once.
  void stop(uint64_t now_ns);
  // Closes the connections and ends the thread.
  void end();

  // Only after it was joined.
  void join();
  [[nodiscard]] const Recorder& recorder() const { return recorder_; }

 private:
  enum class Phase : uint8_t { opening, ready, running, draining, done };

  void on_opened(Connection& connection, const std::string& error) override;
  void on_free(Connection& connection, uint64_t now_ns) override;

  void open_next();
  void settle();
  void on_begin(uint64_t start_ns, const Window& window);
  [[nodiscard]] bool is_open_loop() const { return pacer_.has_value(); }
  [[nodiscard]] bool opens_ahead() const;

  std::optional<Ask> take(uint64_t now_ns);
  std::optional<Ask> take_due(uint64_t now_ns);
  std::optional<Ask> make_ask(uint64_t begins_ns, uint64_t due_ns);
  void start_due(uint64_t now_ns);
  void on_alarm();
  void set_alarm();
  void on_second();

  void drain(uint64_t now_ns);
  void check_done();
  void set_done();
  void give_up(uint64_t now_ns);
  void on_stop(uint64_t now_ns);
  void on_end();

  Shared& shared_;
  uint32_t index_;
  net::UvLoop loop_;
  net::Mailbox mailbox_;
  net::NameService names_;
  net::Resolver resolver_;
  FineTimers timers_;
  FineTimer alarm_;
  net::Deadline second_;
  std::unique_ptr<tls::ClientContext> tls_;
  std::vector<Request> requests_;  // as Plan::works
  WorkPicker picker_;
  Recorder recorder_;
  Environment environment_;
  std::vector<std::unique_ptr<Connection>> connections_;
  base::IntrusiveList<Connection> free_;  // open loop: with nothing to do, longest first
  std::optional<Pacer> pacer_;
  uint64_t start_ns_ = 0;
  uint64_t starts_end_ns_ = 0;  // no request begins then or later
  uint64_t alarm_ns_ = 0;       // when the alarm is set
  size_t next_to_open_ = 0;
  size_t settled_ = 0;
  Phase phase_ = Phase::opening;
  std::thread thread_;
};

}  // namespace bench::load
