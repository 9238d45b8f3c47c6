#include "bench/load/load.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

#include "bench/base/fine_timers.h"
#include "bench/load/load_thread.h"
#include "bench/load/process_watch.h"
#include "bench/load/scenario.h"
#include "bench/load/target.h"
#include "tls/context.h"

namespace bench::load {
namespace {

// How long the first connections may take before the run begins without those still missing.
constexpr uint64_t opening_ns_max = 5'000'000'000;
// How often a signal to stop, memory and the progress are looked at.
constexpr auto look_interval = std::chrono::milliseconds(50);
constexpr uint64_t sample_interval_ns = 100'000'000;
constexpr uint64_t progress_interval_ns = 1'000'000'000;

// The processes of a run: the load tool, and the one that is watched.
class Watches {
 public:
  static base::Result<Watches, std::string> open(int watched_pid) {
    auto self = ProcessWatch::open(getpid());
    if (!self) return self.error();
    Watches watches(std::move(*self));
    if (watched_pid != 0) {
      auto watched = ProcessWatch::open(watched_pid);
      if (!watched) return watched.error();
      watches.watched_ = std::move(*watched);
    }
    return watches;
  }

  void begin(uint64_t now_ns) {
    self_.begin();
    if (watched_) watched_->begin();
    sampled_ns_ = now_ns;
  }
  void sample(uint64_t now_ns) {
    if (now_ns - sampled_ns_ < sample_interval_ns) return;
    sampled_ns_ = now_ns;
    self_.sample();
    if (watched_) watched_->sample();
  }
  void end(Outcome& outcome) {
    outcome.self = self_.end();
    if (watched_) outcome.watched = watched_->end();
  }

 private:
  explicit Watches(ProcessWatch self) : self_(std::move(self)) {}

  ProcessWatch self_;
  std::optional<ProcessWatch> watched_;
  uint64_t sampled_ns_ = 0;
};

// A run from its first connection to its Outcome.
class Run {
 public:
  Run(const Plan& plan,
      std::shared_ptr<const tls::TrustStore> trust,
      Watches watches,
      const std::function<void(const Progress&)>& on_progress,
      const std::atomic<bool>& stop)
      : plan_(plan),
        shared_(plan, std::move(trust)),
        watches_(std::move(watches)),
        on_progress_(on_progress),
        stop_(stop) {
    for (uint32_t i = 0; i < plan.threads; ++i)
      threads_.push_back(std::make_unique<Thread>(shared_, i));
  }
  ~Run() { end_threads(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  Run(Run&&) = delete;
  Run& operator=(Run&&) = delete;

  // The error is why no connection could be opened.
  base::Result<Outcome, std::string> run() {
    outcome_.machine = this_machine();
    if (auto error = open_connections()) return *error;
    start_ns_ = FineTimers::now_ns();
    window_.begin_ns = start_ns_ + plan_.warmup_ns;
    window_.end_ns = window_.begin_ns + plan_.duration_ns;
    if (plan_.warmup_ns == 0) begin_watching();
    for (const auto& thread : threads_)
      thread->begin(start_ns_, window_);
    measure();
    return outcome();
  }

 private:
  std::optional<std::string> open_connections() {
    for (const auto& thread : threads_)
      thread->open();
    const uint64_t until_ns = FineTimers::now_ns() + opening_ns_max;
    std::unique_lock lock(shared_.mutex);
    while (shared_.threads_settled < plan_.threads && FineTimers::now_ns() < until_ns && !stop_)
      shared_.changed.wait_for(lock, look_interval);
    if (shared_.open_error.empty() || shared_.connections_opened > 0) return {};
    const base::Origin& origin = plan_.target.origin;
    return fmt::format("cannot connect to {}: {}. Is the target running, and is the URL right?",
                       origin.text(),
                       shared_.open_error);
  }

  void begin_watching() {
    watches_.begin(FineTimers::now_ns());
    is_watching_ = true;
  }

  // From the first request to the last answer.
  void measure() {
    uint64_t told_ns = start_ns_;
    std::unique_lock lock(shared_.mutex);
    while (shared_.threads_done < plan_.threads) {
      shared_.changed.wait_for(lock, time_to_wait());
      lock.unlock();
      const uint64_t now_ns = FineTimers::now_ns();
      if (!is_watching_ && now_ns >= window_.begin_ns) begin_watching();
      if (is_watching_ && !has_ended_) watches_.sample(now_ns);
      if (now_ns >= window_.end_ns) end_watching(window_.end_ns);
      if (stop_) stop(now_ns);
      if (now_ns - told_ns >= progress_interval_ns) {
        told_ns = now_ns;
        tell();
      }
      lock.lock();
    }
    lock.unlock();
    end_watching(std::min(FineTimers::now_ns(), window_.end_ns));
  }

  // Until the next look, or the moment when measuring begins or ends.
  [[nodiscard]] std::chrono::nanoseconds time_to_wait() const {
    const uint64_t now_ns = FineTimers::now_ns();
    std::chrono::nanoseconds wait = look_interval;
    for (const uint64_t moment_ns : {window_.begin_ns, window_.end_ns}) {
      if (moment_ns <= now_ns) continue;
      wait = std::min(wait, std::chrono::nanoseconds(moment_ns - now_ns));
    }
    return wait;
  }

  void stop(uint64_t now_ns) {
    if (outcome_.interrupted) return;
    outcome_.interrupted = true;
    end_watching(now_ns);
    for (const auto& thread : threads_)
      thread->stop(now_ns);
  }

  // The measured part is over, by its time or because all is done: while connections are open.
  void end_watching(uint64_t end_ns) {
    if (std::exchange(has_ended_, true)) return;
    if (!is_watching_) return;  // stopped while warming up
    watches_.end(outcome_);
    outcome_.elapsed_ns = end_ns - window_.begin_ns;
  }

  void tell() {
    if (!on_progress_) return;
    Progress progress = shared_.timeline.progress();
    progress.elapsed_ns = FineTimers::now_ns() - start_ns_;
    on_progress_(progress);
  }

  void end_threads() {
    for (const auto& thread : threads_)
      thread->end();
    for (const auto& thread : threads_)
      thread->join();
  }

  Outcome outcome() {
    const uint64_t ended_ns = FineTimers::now_ns();
    end_threads();
    for (const auto& thread : threads_) {
      outcome_.measures.merge(thread->recorder().measures());
      outcome_.open_streams_peak += thread->recorder().open_requests_peak();
    }
    outcome_.timeline = shared_.timeline.take(ended_ns - start_ns_);
    return std::move(outcome_);
  }

  const Plan& plan_;
  Shared shared_;
  Watches watches_;
  const std::function<void(const Progress&)>& on_progress_;
  const std::atomic<bool>& stop_;
  std::vector<std::unique_ptr<Thread>> threads_;
  uint64_t start_ns_ = 0;
  Window window_;
  Outcome outcome_;
  bool is_watching_ = false;
  bool has_ended_ = false;
};

}  // namespace

base::Result<Outcome, std::string> run_load(const Plan& plan,
                                            const std::function<void(const Progress&)>& on_progress,
                                            const std::atomic<bool>& stop) {
  if (auto problem = problem_of(plan)) return *problem;
  // Each thread looks the name up by itself: this is for a clear error, early.
  const auto addresses = addresses_of(plan.target.origin);
  if (!addresses) return addresses.error();
  auto trust = load_trust(plan);
  if (!trust) return trust.error();
  auto watches = Watches::open(plan.watched_pid);
  if (!watches) return watches.error();
  return Run(plan, std::move(*trust), std::move(*watches), on_progress, stop).run();
}

}  // namespace bench::load
