#include "upstream/upstream_pool.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/speech.h"
#include "net/address_format.h"
#include "net/error_text.h"
#include "tls/context.h"

namespace upstream {
namespace {

std::string failure_text(base::Error error) {
  switch (error.code) {
    case base::Code::tls:
    case base::Code::certificate:
      return tls::error_text(error);
    case base::Code::closed:
    case base::Code::reset:
      if (error.raw == base::Error::silent) {
        return "it closed a new connection without a word: if it speaks TLS, write https:// "
               "instead "
               "of http:// in its url";
      }
      return error.raw != 0 ? net::error_text(error.raw) : std::string(code_name(error.code));
    case base::Code::protocol:
      return tls::error_text(error);
    case base::Code::timeout:
      return "timed out";
    case base::Code::dns:
      return net::name_error_text(error.raw);
    case base::Code::loop:
      return "it is this proxy itself, and requests would go round in a circle; name the server "
             "that is meant";
    default:
      return error.raw != 0 ? net::error_text(error.raw) : std::string(code_name(error.code));
  }
}

}  // namespace

UpstreamPool::UpstreamPool(net::Loop& loop,
                           observe::Metrics& metrics,
                           UpstreamIdentity identity,
                           const config::Upstream& config,
                           const http::H1Limits& limits,
                           std::unique_ptr<Dialer> dialer)
    : loop_(loop),
      metrics_(metrics),
      identity_(std::move(identity)),
      config_(config),
      limits_(limits),
      dialer_(std::move(dialer)),
      dial_again_(loop.timers(), this, [](void* pool) {
        static_cast<UpstreamPool*>(pool)->on_backoff_ended();
      }) {
  keep_warm();
}

UpstreamPool::~UpstreamPool() {
  CHECK(unused());
  retire();
  loop_.bury(std::move(dialer_));  // behind the connections just buried, which still use it
}

UpstreamPool::Acquired UpstreamPool::acquire(UpstreamWaiter& waiter, Wanted wanted) {
  follow_moves();
  if (wanted == Wanted::any && !bound_.empty()) {
    if (std::unique_ptr<stream::UpstreamStream> stream = take_bound(waiter)) {
      return reuse(std::move(stream));
    }
  }
  if (wanted == Wanted::any && !idle_.empty()) {
    std::unique_ptr<stream::UpstreamStream> stream = std::move(idle_.back());
    idle_.pop_back();
    return reuse(std::move(stream));
  }
  const bool nothing_to_wait_for = active_ == 0 && dialing_.empty();
  if (backing_off() && nothing_to_wait_for) {
    base::log_debug(
        "upstream {}: a request is refused: no new connection is tried for another {} ms, after {} "
        "failures in a row",
        identity_.name,
        backoff_until_ms_ - loop_.now_ms(),
        failures_);
    return {nullptr, last_failure_};
  }
  if (is_waiting_room_full()) {
    base::log_debug("upstream {}: a request is refused: {} wait for a connection already",
                    identity_.name,
                    waiting_count_);
    return {nullptr, base::Error{base::Code::refused, base::Side::upstream}};
  }
  (wanted == Wanted::fresh ? waiting_for_fresh_ : waiting_).push_back(waiter);
  ++waiting_count_;
  dial_as_needed();
  base::log_debug(
      "upstream {}: a request waits for a {}connection; {} wait, {} connections are being opened, "
      "{} "
      "are in use",
      identity_.name,
      wanted == Wanted::fresh ? "new " : "",
      waiting_count_,
      dialing_.size(),
      active_);
  return {};
}

// What waited idle serves again.
UpstreamPool::Acquired UpstreamPool::reuse(std::unique_ptr<stream::UpstreamStream> stream) {
  ++active_;
  metrics_.upstream_reused.add();
  if (base::log_enabled(base::LogLevel::debug)) {  // each request comes here
    base::log_debug("upstream {}: reuses the connection to {}; {} more are idle",
                    identity_.name,
                    stream->peer(),
                    idle_.size());
  }
  return {std::move(stream), std::nullopt};
}

// Who waits for a connection that is yet to be opened takes no place of those who wait for one of
// others: a burst is served as far as connections_max goes.
bool UpstreamPool::is_waiting_room_full() const {
  const size_t to_come = backing_off() ? 0 : config_.pool.connections_max - active_;
  return waiting_count_ >= to_come + config_.pool.waiting_max;
}

void UpstreamPool::cancel(UpstreamWaiter& waiter) {
  waiter.unlink();
  --waiting_count_;
}

void UpstreamPool::release(std::unique_ptr<stream::UpstreamStream> stream) {
  if (has_moved_ && !dialer_->leads_to(stream->peer())) {
    discard(std::move(stream));
    return;
  }
  --active_;
  serve(std::move(stream));
}

// Where the upstream's name leads elsewhere now, connections to where it led before serve out what
// they have begun, and no more.
void UpstreamPool::follow_moves() {
  const uint64_t moves = dialer_->moves();
  if (moves == moves_seen_) return;
  moves_seen_ = moves;
  has_moved_ = true;
  Streams kept;
  for (std::unique_ptr<stream::UpstreamStream>& stream : idle_) {
    if (dialer_->leads_to(stream->peer())) {
      kept.push_back(std::move(stream));
    } else {
      close(std::move(stream), "its name leads elsewhere now");
    }
  }
  idle_ = std::move(kept);
}

void UpstreamPool::release_to(stream::UpstreamStreams& streams,
                              std::unique_ptr<stream::UpstreamStream> stream) {
  if (retired_ || (has_moved_ && !dialer_->leads_to(stream->peer()))) {
    discard(std::move(stream));
    return;
  }
  --active_;
  stream->become_idle(config_.pool.idle_timeout_ms);
  streams.push_back(*stream);
  bound_.push_back(std::move(stream));
  dial_as_needed();
}

// The one that waits here for the waiter's client; null where there is none.
std::unique_ptr<stream::UpstreamStream> UpstreamPool::take_bound(UpstreamWaiter& waiter) {
  stream::UpstreamStreams* streams = waiter.bound_streams();
  if (streams == nullptr) return nullptr;
  const stream::UpstreamStream* found = nullptr;
  streams->for_each([&](const stream::UpstreamStream& stream) {
    const bool is_ours = std::any_of(
        bound_.begin(), bound_.end(), [&](const auto& owned) { return owned.get() == &stream; });
    if (is_ours) found = &stream;
  });
  return found == nullptr ? nullptr : take(bound_, *found);
}

void UpstreamPool::discard(std::unique_ptr<stream::UpstreamStream> stream) {
  --active_;
  close(std::move(stream), "it cannot serve another request");
  dial_as_needed();
}

void UpstreamPool::retire() {
  retired_ = true;
  for (Streams* kept : {&idle_, &bound_}) {
    while (!kept->empty()) {
      close(std::move(kept->back()), "its configuration has been replaced, or the proxy ends");
      kept->pop_back();
    }
  }
  if (waiting_count_ > 0) return;  // they still get what is being dialled
  dial_again_.clear();
  while (!dialing_.empty()) {
    close(std::move(dialing_.back()), "nobody waits for it any more");
    dialing_.pop_back();
  }
}

void UpstreamPool::dial() {
  UpstreamOwner& owner = *this;
  auto connection = std::make_unique<H1Upstream>(loop_, limits_, owner, identity_.name);
  connection->start(*dialer_);
  metrics_.upstream_connections.add();
  metrics_.upstream_connections_open.add();
  dialing_.push_back(std::move(connection));
  base::log_debug("upstream {}: opens a connection; with it there are {}, {} of them idle",
                  identity_.name,
                  total(),
                  idle_.size() + bound_.size());
}

void UpstreamPool::dial_as_needed() {
  const size_t wanted = std::min(waiting_count_, dials_max);
  while (dialing_.size() < wanted && !backing_off()) {
    // Idle ones are left only by those who wait for a fresh one: they make room for it.
    if (total() >= config_.pool.connections_max && !close_oldest_idle()) return;
    dial();
  }
}

void UpstreamPool::keep_warm() {
  if (retired_ || backing_off()) return;
  while (idle_.size() + dialing_.size() < config_.pool.warm &&
         total() < config_.pool.connections_max) {
    dial();
  }
}

// Whose turn it is where there is such a connection: a fresh one is good for all.
UpstreamWaiter* UpstreamPool::next_waiting(Wanted wanted) {
  UpstreamWaiter* waiter = wanted == Wanted::fresh ? waiting_for_fresh_.pop_front() : nullptr;
  if (waiter == nullptr) waiter = waiting_.pop_front();
  if (waiter != nullptr) --waiting_count_;
  return waiter;
}

void UpstreamPool::serve(std::unique_ptr<stream::UpstreamStream> stream) {
  const bool reused = stream->has_served();
  if (UpstreamWaiter* waiter = next_waiting(reused ? Wanted::any : Wanted::fresh)) {
    ++active_;
    if (reused) metrics_.upstream_reused.add();
    if (base::log_enabled(base::LogLevel::debug)) {
      base::log_debug("upstream {}: the connection to {} goes to who has waited longest; {} wait",
                      identity_.name,
                      stream->peer(),
                      waiting_count_);
    }
    waiter->on_upstream_ready(std::move(stream));
    return;
  }
  if (retired_ || config_.pool.idle_max == 0) {
    close(std::move(stream), "none are kept");
  } else {
    if (idle_.size() >= config_.pool.idle_max) static_cast<void>(close_oldest_idle());
    stream->become_idle(config_.pool.idle_timeout_ms);
    idle_.push_back(std::move(stream));
  }
  dial_as_needed();
}

// Whether there was one.
bool UpstreamPool::close_oldest_idle() {
  Streams& from = idle_.empty() ? bound_ : idle_;
  if (from.empty()) return false;
  close(std::move(from.front()), "it was idle, and room was needed");
  from.erase(from.begin());
  return true;
}

void UpstreamPool::close(std::unique_ptr<stream::UpstreamStream> stream, std::string_view why) {
  base::log_debug(
      "upstream {}: closes the connection to {}: {}", identity_.name, stream->peer(), why);
  metrics_.upstream_connections_open.subtract();
  stream->unlink();
  stream->close();
  loop_.bury(std::move(stream));
}

std::unique_ptr<stream::UpstreamStream> UpstreamPool::take(Streams& from,
                                                           const stream::UpstreamStream& stream) {
  const auto found = std::find_if(
      from.begin(), from.end(), [&](const auto& owned) { return owned.get() == &stream; });
  CHECK(found != from.end());
  std::unique_ptr<stream::UpstreamStream> taken = std::move(*found);
  from.erase(found);
  taken->unlink();
  return taken;
}

void UpstreamPool::on_dialed(stream::UpstreamStream& stream) {
  base::log_debug("upstream {}: connected to {}", identity_.name, stream.peer());
  failures_ = 0;
  backoff_until_ms_ = 0;
  serve(take(dialing_, stream));
  dial_as_needed();
}

void UpstreamPool::on_dial_failed(stream::UpstreamStream& stream, base::Error error) {
  close(take(dialing_, stream), "it could not be opened");
  metrics_.upstream_connections_failed.add();
  log_dial_failure(error);
  last_failure_ = error;
  // One failure may be chance; from the second on the upstream gets time to come back, and requests
  // are answered at once instead of waiting for a time-out each.
  if (++failures_ > 1) back_off();
  if (UpstreamWaiter* waiter = next_waiting(Wanted::fresh)) waiter->on_upstream_unavailable(error);
  if (backing_off() && active_ == 0 && dialing_.empty()) {
    while (UpstreamWaiter* waiter = next_waiting(Wanted::fresh))
      waiter->on_upstream_unavailable(error);
  }
  if (backing_off()) dial_again_.set(backoff_until_ms_ - loop_.now_ms());
  dial_as_needed();
  keep_warm();
}

void UpstreamPool::back_off() {
  const uint64_t doubled_ms = backoff_ms_min << std::min<uint32_t>(failures_ - 2, 10);
  const uint64_t wait_ms = std::min(doubled_ms, backoff_ms_max);
  backoff_until_ms_ = loop_.now_ms() + wait_ms;
  base::log_debug("upstream {}: backs off: no new connection for {} ms, after {} failures in a row",
                  identity_.name,
                  wait_ms,
                  failures_);
}

void UpstreamPool::on_backoff_ended() {
  dial_as_needed();
  keep_warm();
}

// Each where every step is wanted, else the first of a minute.
void UpstreamPool::log_dial_failure(base::Error error) {
  if (base::log_enabled(base::LogLevel::debug)) {
    base::log_debug("upstream {}: cannot connect: {}", identity_.name, failure_text(error));
  }
  if (loop_.now_ms() < log_again_ms_) return;
  log_again_ms_ = loop_.now_ms() + log_interval_ms;
  base::log_warning(
      "upstream {} ({}): cannot connect: {}; further failures are logged once a minute",
      identity_.name,
      identity_.url.origin.text(),
      failure_text(error));
}

base::Error UpstreamPool::explain(base::Error error, base::Bytes said) {
  if (identity_.url.origin.scheme != base::Scheme::http) return error;
  const bool ended = error.code == base::Code::closed || error.code == base::Code::reset;
  const base::Speech heard = base::guess_speech(said);
  if (ended && said.empty()) {
    error.raw = base::Error::silent;
  } else if (heard != base::Speech::unknown && heard != base::Speech::http1) {
    error = base::speech_error(heard, base::Speech::http1);
  } else {
    return error;
  }
  if (loop_.now_ms() >= log_again_ms_) {
    log_again_ms_ = loop_.now_ms() + log_interval_ms;
    base::log_warning("upstream {} ({}): no HTTP response: {}",
                      identity_.name,
                      identity_.url.origin.text(),
                      failure_text(error));
  }
  return error;
}

void UpstreamPool::on_idle_ended(stream::UpstreamStream& stream) {
  close(take(stream.is_bound() ? bound_ : idle_, stream), "it was idle");
  keep_warm();
}

}  // namespace upstream
