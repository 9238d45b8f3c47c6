#include "bench/load/load_thread.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace bench::load {
namespace {

// Connections opened ahead are opened this many at a time: more would overrun a listener's backlog.
constexpr size_t opening_max = 64;
// How long answers are waited for when the run's time is over.
constexpr uint64_t grace_ns_max = 5'000'000'000;
constexpr uint64_t second_ms = 1000;

uint64_t grace_ns(const Plan& plan) {
  // Idle streams do not end by themselves.
  if (plan.works.front().scenario == Scenario::idle) return 0;
  return std::min(plan.request_timeout_ns, grace_ns_max);
}

uint32_t share_of(uint32_t all, uint32_t index, uint32_t threads) {
  return all / threads + (index < all % threads ? 1 : 0);
}

std::unique_ptr<tls::ClientContext> make_context(const Shared& shared) {
  const Plan& plan = shared.plan;
  if (plan.target.origin.scheme != base::Scheme::https) return nullptr;
  tls::ClientOptions options;
  options.server_name = plan.target.origin.host;
  options.verify = plan.tls_verify ? tls::Verify::required : tls::Verify::none;
  return std::make_unique<tls::ClientContext>(options, shared.trust);
}

std::vector<Request> make_requests(const Plan& plan) {
  std::vector<Request> requests;
  for (const Work& work : plan.works)
    requests.push_back(make_request(plan, work.scenario));
  return requests;
}

}  // namespace

Thread::Thread(Shared& shared, uint32_t index)
    : shared_(shared),
      index_(index),
      mailbox_(loop_),
      resolver_(loop_, names_),
      timers_(loop_),
      alarm_(timers_, this, [](void* self) { static_cast<Thread*>(self)->on_alarm(); }),
      second_(loop_.timers(), this, [](void* self) { static_cast<Thread*>(self)->on_second(); }),
      tls_(make_context(shared)),
      requests_(make_requests(shared.plan)),
      picker_(shared.plan.works),
      recorder_(shared.timeline, shared.plan.stall_ns),
      environment_{shared.plan, loop_, resolver_, timers_, tls_.get(), recorder_, *this} {
  const Plan& plan = shared.plan;
  const uint32_t count = share_of(plan.connections, index, plan.threads);
  for (uint32_t i = 0; i < count; ++i)
    connections_.push_back(std::make_unique<Connection>(environment_));
  if (plan.rate > 0) {
    pacer_.emplace(Pacer::Options{plan.rate, plan.arrivals, plan.ramp_ns, index_, plan.threads});
  }
}

Thread::~Thread() {
  join();
}

void Thread::join() {
  if (thread_.joinable()) thread_.join();
}

// Opening.

// Else the first answers would wait for handshakes that they have nothing to do with.
bool Thread::opens_ahead() const {
  if (!is_open_loop() && shared_.plan.ramp_ns > 0) return false;
  return std::any_of(requests_.begin(), requests_.end(), [](const Request& request) {
    return !request.wants_own_connection();
  });
}

void Thread::open() {
  thread_ = std::thread([this] {
    if (opens_ahead()) {
      for (size_t i = 0; i < opening_max; ++i)
        open_next();
    } else {
      settle();
    }
    loop_.run();
  });
}

void Thread::open_next() {
  if (next_to_open_ < connections_.size()) connections_[next_to_open_++]->open();
}

void Thread::on_opened(Connection& connection, const std::string& error) {
  {
    const std::lock_guard lock(shared_.mutex);
    if (error.empty()) {
      ++shared_.connections_opened;
    } else if (shared_.open_error.empty()) {
      shared_.open_error = error;
    }
  }
  if (phase_ != Phase::opening) {
    on_free(connection, FineTimers::now_ns());  // the run did not wait for it
    return;
  }
  open_next();
  if (++settled_ == connections_.size()) settle();
}

void Thread::settle() {
  phase_ = Phase::ready;
  const std::lock_guard lock(shared_.mutex);
  ++shared_.threads_settled;
  shared_.changed.notify_all();
}

// The run.

void Thread::begin(uint64_t start_ns, const Window& window) {
  mailbox_.post([this, start_ns, window] { on_begin(start_ns, window); });
}

void Thread::on_begin(uint64_t start_ns, const Window& window) {
  phase_ = Phase::running;
  start_ns_ = start_ns;
  starts_end_ns_ = window.end_ns;
  recorder_.start(start_ns, window);
  second_.set(second_ms);
  const uint64_t now_ns = FineTimers::now_ns();
  const uint64_t ramp_step_ns = is_open_loop() ? 0 : shared_.plan.ramp_ns / connections_.size();
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[i];
    if (connection.is_opening()) continue;  // on_opened() is to come
    if (is_open_loop()) {
      free_.push_back(connection);
    } else if (ramp_step_ns * i > 0) {
      connection.pause(ramp_step_ns * i);
    } else {
      on_free(connection, now_ns);
    }
  }
  if (is_open_loop()) start_due(now_ns);
  if (phase_ == Phase::running) set_alarm();
}

void Thread::on_free(Connection& connection, uint64_t now_ns) {
  if (phase_ != Phase::running && phase_ != Phase::draining) return;
  const bool was_waited_for = free_.empty();
  if (const std::optional<Ask> ask = take(now_ns)) {
    if (is_open_loop() && ask->measured && was_waited_for) recorder_.on_late_start();
    connection.start(*ask, now_ns);
    return;
  }
  if (is_open_loop()) free_.push_back(connection);
  if (phase_ == Phase::draining) {
    check_done();
  } else if (is_open_loop()) {
    set_alarm();
  }
}

// The request to make now, if there is one.
std::optional<Ask> Thread::take(uint64_t now_ns) {
  if (is_open_loop()) return take_due(now_ns);
  if (phase_ != Phase::running) return {};
  if (now_ns >= starts_end_ns_) {
    drain(now_ns);
    return {};
  }
  return make_ask(now_ns, 0);
}

std::optional<Ask> Thread::take_due(uint64_t now_ns) {
  while (true) {
    const uint64_t due_ns = start_ns_ + pacer_->due_ns();
    if (due_ns >= starts_end_ns_) {
      drain(now_ns);
      return {};
    }
    if (due_ns > now_ns) return {};
    std::optional<Ask> ask = make_ask(due_ns, due_ns);
    if (!ask) return {};
    pacer_->advance();
    if (now_ns - due_ns <= shared_.plan.request_timeout_ns) return ask;
    // It waited so long for a connection that it is an error to the one who asks.
    recorder_.on_failure(now_ns, Failure::timeout, ask->measured);
  }
}

// Nothing when requests_max have been made.
std::optional<Ask> Thread::make_ask(uint64_t begins_ns, uint64_t due_ns) {
  const bool measured = recorder_.window().holds(begins_ns);
  const uint64_t requests_max = shared_.plan.requests_max;
  if (measured && requests_max > 0 &&
      shared_.taken.fetch_add(1, std::memory_order_relaxed) >= requests_max) {
    starts_end_ns_ = begins_ns;
    drain(FineTimers::now_ns());
    return {};
  }
  return Ask{&requests_[picker_.next()], due_ns, measured};
}

void Thread::start_due(uint64_t now_ns) {
  while (!free_.empty()) {
    const std::optional<Ask> ask = take(now_ns);
    if (!ask) return;
    free_.pop_front()->start(*ask, now_ns);
  }
}

void Thread::on_alarm() {
  const uint64_t now_ns = FineTimers::now_ns();
  recorder_.roll(now_ns);
  if (phase_ == Phase::draining) {
    give_up(now_ns);
    return;
  }
  if (phase_ != Phase::running) return;
  if (is_open_loop()) start_due(now_ns);
  if (phase_ == Phase::running && now_ns >= starts_end_ns_) drain(now_ns);
  if (phase_ == Phase::running) set_alarm();
}

// While running: the end of it, or the next request that a connection waits for.
void Thread::set_alarm() {
  uint64_t at_ns = starts_end_ns_;
  if (is_open_loop() && !free_.empty()) at_ns = std::min(at_ns, start_ns_ + pacer_->due_ns());
  if (alarm_.is_set() && alarm_ns_ == at_ns) return;
  alarm_ns_ = at_ns;
  const uint64_t now_ns = FineTimers::now_ns();
  alarm_.set(at_ns - std::min(at_ns, now_ns));
}

void Thread::on_second() {
  recorder_.roll(FineTimers::now_ns());
  second_.set(second_ms);
}

// Ends.

// No request begins any more; those under way, and those that were due, are still answered.
void Thread::drain(uint64_t now_ns) {
  if (phase_ != Phase::running) return;
  phase_ = Phase::draining;
  const uint64_t end_ns = std::max(now_ns, recorder_.window().end_ns);
  alarm_.set(end_ns + grace_ns(shared_.plan) - now_ns);
  check_done();
}

void Thread::check_done() {
  if (phase_ != Phase::draining || recorder_.open_requests() > 0) return;
  if (is_open_loop() && start_ns_ + pacer_->due_ns() < starts_end_ns_) return;
  set_done();
}

void Thread::set_done() {
  phase_ = Phase::done;
  alarm_.clear();
  const std::lock_guard lock(shared_.mutex);
  ++shared_.threads_done;
  shared_.changed.notify_all();
}

void Thread::give_up(uint64_t now_ns) {
  const uint64_t since_ns = now_ns - std::min(now_ns, grace_ns(shared_.plan));
  // Idle streams stay open until the end(), so that their memory can be read.
  const bool is_idle = grace_ns(shared_.plan) == 0;
  for (const auto& connection : connections_) {
    if (connection->is_busy() && !is_idle) connection->give_up(now_ns, since_ns);
  }
  while (is_open_loop() && start_ns_ + pacer_->due_ns() < starts_end_ns_) {
    const std::optional<Ask> ask = make_ask(start_ns_ + pacer_->due_ns(), 0);
    pacer_->advance();
    if (ask) recorder_.on_failure(now_ns, Failure::timeout, ask->measured);
  }
  set_done();
}

void Thread::stop(uint64_t now_ns) {
  mailbox_.post([this, now_ns] { on_stop(now_ns); });
}

void Thread::on_stop(uint64_t now_ns) {
  recorder_.cut(now_ns);
  if (phase_ != Phase::done) set_done();
}

void Thread::end() {
  mailbox_.post([this] { on_end(); });
}

void Thread::on_end() {
  phase_ = Phase::done;
  recorder_.finish(FineTimers::now_ns());
  for (const auto& connection : connections_)
    connection->close();
  alarm_.clear();
  second_.clear();
  timers_.close();
  mailbox_.close();
}

}  // namespace bench::load
