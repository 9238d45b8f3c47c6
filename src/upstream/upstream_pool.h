#pragma once

// Connections to one upstream on one worker: idle ones kept ready, a bounded room to wait in,
// back-off when the upstream cannot be reached.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/url.h"
#include "config/config.h"
#include "http/h1_parser.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "observe/metrics.h"
#include "upstream/dialer.h"
#include "upstream/h1_upstream.h"

namespace upstream {

// Who waits for a stream: an exchange, or a request of our own. The link is its place in the
// waiting room.
class UpstreamWaiter : public base::ListLink<UpstreamWaiter> {
 public:
  // From the pool, at most one of the two.
  virtual void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) = 0;
  virtual void on_upstream_unavailable(base::Error error) = 0;
  // Those that only its client gets, see ClientStream.
  [[nodiscard]] virtual stream::UpstreamStreams* bound_streams() { return nullptr; }

 protected:
  ~UpstreamWaiter() = default;
};

// What an upstream is, apart from how its connections are made.
struct UpstreamIdentity {
  std::string name;         // in the configuration, for logs
  base::Url url;            // origin and base path
  std::string host;         // the Host field
  bool hides_page = false;  // it does not hear of the page that a request came from
};

// Resource, one per upstream and worker, shared by the snapshots that use it. One thread, no locks.
class UpstreamPool final : private UpstreamOwner {
 public:
  UpstreamPool(net::Loop& loop,
               observe::Metrics& metrics,
               UpstreamIdentity identity,
               const config::Upstream& config,
               const http::H1Limits& limits,
               std::unique_ptr<Dialer> dialer);
  virtual ~UpstreamPool();  // closes what is idle; nothing may be active or waiting (CHECK)
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  UpstreamPool(UpstreamPool&&) = delete;
  UpstreamPool& operator=(UpstreamPool&&) = delete;

  // Either a stream now, or an error now, or neither: then `waiter` waits, and hears
  // on_upstream_ready() or on_upstream_unavailable() later, unless it calls cancel().
  struct Acquired {
    std::unique_ptr<stream::UpstreamStream> stream;
    std::optional<base::Error> error;
  };
  // `fresh`: one that has not served yet, for those whose idle connection turned out dead: the idle
  // ones beside it may have died with it.
  enum class Wanted : uint8_t { any, fresh };
  [[nodiscard]] Acquired acquire(UpstreamWaiter& waiter, Wanted wanted = Wanted::any);
  void cancel(UpstreamWaiter& waiter);

  // Takes back a stream whose message is over and that may serve again.
  void release(std::unique_ptr<stream::UpstreamStream> stream);
  // The same for one that is bound: it waits for its client among `streams`.
  void release_to(stream::UpstreamStreams& streams, std::unique_ptr<stream::UpstreamStream> stream);
  // Takes back one that is done for; closes it.
  void discard(std::unique_ptr<stream::UpstreamStream> stream);

  // Whether so many requests went out since the last answer that they may be going round in a
  // circle: then they get a mark by which we know them again (policy/loop.h).
  [[nodiscard]] bool doubts_answers() const { return unanswered_ >= unanswered_max; }
  void on_request_sent() { ++unanswered_; }
  void on_answer() { unanswered_ = 0; }

  // Nothing is kept from now on; what is idle closes.
  void retire();

  [[nodiscard]] const UpstreamIdentity& identity() const { return identity_; }
  [[nodiscard]] const config::Upstream& config() const { return config_; }
  [[nodiscard]] size_t idle_count() const { return idle_.size(); }
  // Whether nobody uses it: no connection active or being dialled for somebody, nobody waiting.
  [[nodiscard]] bool unused() const { return waiting_count_ == 0 && active_ == 0; }

 private:
  using Streams = std::vector<std::unique_ptr<stream::UpstreamStream>>;

  static constexpr uint64_t log_interval_ms = 60'000;
  static constexpr uint64_t backoff_ms_min = 100;
  static constexpr uint64_t backoff_ms_max = 5'000;
  // At once: a handshake holds 33 KiB until it is done, and a thousand of them would leave holes.
  static constexpr size_t dials_max = 64;
  static constexpr uint32_t unanswered_max = 32;

  void on_dialed(stream::UpstreamStream& stream) override;
  void on_dial_failed(stream::UpstreamStream& stream, base::Error error) override;
  void on_idle_ended(stream::UpstreamStream& stream) override;
  [[nodiscard]] base::Error explain(base::Error error, base::Bytes said) override;

  static std::unique_ptr<stream::UpstreamStream> take(Streams& from,
                                                      const stream::UpstreamStream& stream);
  [[nodiscard]] size_t total() const {
    return dialing_.size() + idle_.size() + bound_.size() + active_;
  }
  [[nodiscard]] bool backing_off() const { return loop_.now_ms() < backoff_until_ms_; }
  [[nodiscard]] bool is_waiting_room_full() const;
  void follow_moves();
  void dial();
  void dial_as_needed();
  void keep_warm();
  void on_backoff_ended();
  void serve(std::unique_ptr<stream::UpstreamStream> stream);
  [[nodiscard]] Acquired reuse(std::unique_ptr<stream::UpstreamStream> stream);
  // `why`: for the log.
  void close(std::unique_ptr<stream::UpstreamStream> stream, std::string_view why);
  [[nodiscard]] std::unique_ptr<stream::UpstreamStream> take_bound(UpstreamWaiter& waiter);
  [[nodiscard]] bool close_oldest_idle();
  void back_off();
  UpstreamWaiter* next_waiting(Wanted wanted);
  void log_dial_failure(base::Error error);

  net::Loop& loop_;
  observe::Metrics& metrics_;
  UpstreamIdentity identity_;
  config::Upstream config_;
  http::H1Limits limits_;
  std::unique_ptr<Dialer> dialer_;
  Streams idle_;   // the latest used last: last in, first out keeps few warm
  Streams bound_;  // idle, each for one client
  Streams dialing_;
  size_t active_ = 0;
  uint32_t unanswered_ = 0;  // requests sent since the last answer
  base::IntrusiveList<UpstreamWaiter> waiting_;
  base::IntrusiveList<UpstreamWaiter> waiting_for_fresh_;
  size_t waiting_count_ = 0;
  uint32_t failures_ = 0;  // dials failed in a row
  base::Error last_failure_;
  uint64_t backoff_until_ms_ = 0;
  uint64_t log_again_ms_ = 0;
  net::Deadline dial_again_;  // the end of a back-off
  uint64_t moves_seen_ = 0;   // of the dialer's
  bool has_moved_ = false;
  bool retired_ = false;
};

}  // namespace upstream
