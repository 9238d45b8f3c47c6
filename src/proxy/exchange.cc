#include "proxy/exchange.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "policy/clock.h"
#include "policy/connection_login.h"
#include "policy/failure.h"

namespace proxy {

using base::Code;
using base::Error;
using base::Side;
using observe::Outcome;

namespace {

// Of a request and its response: nothing to be cut for.
constexpr size_t heads_bytes_usual = 16 * 1024;

const std::vector<http::Field> no_trailers;

ledger::UsageRecord record_of(const observe::Summary& summary) {
  return {.ended_s = policy::realtime_s(),
          .client = summary.client,
          .model = summary.model,
          .upstream = summary.upstream,
          .key = summary.key,
          .amounts = {.requests = 1,
                      .input = summary.tokens.input,
                      .cached = summary.tokens.cached,
                      .cache_written = summary.tokens.cache_written,
                      .output = summary.tokens.output,
                      .reasoning = summary.tokens.reasoning,
                      .nano_dollars = summary.nano_dollars,
                      .unpriced = summary.is_unpriced ? 1 : 0}};
}

}  // namespace

// Life.

Exchange::Exchange(Environment& environment)
    : environment_(environment),
      deadline_(environment.loop.timers(),
                this,
                [](void* self) { static_cast<Exchange*>(self)->on_deadline(); }),
      request_buffer_(environment.loop.blocks()) {}

Exchange::~Exchange() {
  CHECK(request_.phase == Phase::finished || request_.client == nullptr);
}

void Exchange::begin(stream::ClientStream& client,
                     const Entrance& entrance,
                     std::string_view client_address) {
  request_.client = &client;
  request_.entrance = &entrance;
  request_.snapshot = environment_.snapshot;
  pipeline().begin(request_.policy);
  request_.summary.client_address = client_address;
  request_.summary.started_ms = environment_.loop.now_ms();
  environment_.metrics.exchanges_open.add();
}

void Exchange::recycle() {
  CHECK(request_.phase == Phase::finished);
  request_ = {};
  request_head_.clear();
  upstream_head_.clear();
  response_head_.clear();
  arena_.reset();
}

void Exchange::finish(Outcome outcome) {
  CHECK(request_.phase != Phase::finished);
  request_.phase = Phase::finished;
  deadline_.clear();
  if (request_.attempt.stream() != nullptr) {
    request_.attempt.give_back(outcome == Outcome::complete && request_.is_whole,
                               request_.client->bound_streams());
  }
  if (request_.answer) {
    request_.answer->on_over();
    environment_.loop.bury(std::move(request_.answer));
  }
  request_buffer_.clear();
  environment_.metrics.exchanges_open.subtract();
  observe::Summary& summary = request_.summary;
  if (request_.policy.account != nullptr) settle(outcome);
  if (request_.entrance->is_logged()) {
    summary.outcome = outcome;
    summary.ended_ms = environment_.loop.now_ms();
    environment_.metrics.count(summary);
    environment_.access_log.write(summary);
  }
  request_.client->on_exchange_finished();
}

// What it came to: nothing where no good answer of an upstream's went out.
void Exchange::settle(Outcome outcome) {
  observe::Summary& summary = request_.summary;
  const policy::Account& account = *request_.policy.account;
  if (account.client() != nullptr) summary.client = account.client()->name();
  if (account.key() != nullptr) summary.key = account.key()->name();
  if (account.has_masked() &&
      base::is_due_to_log(environment_.log_key_told_again_s, environment_.loop.now_ms())) {
    base::log_warning(
        "upstream {} has told key {} of it in a response: what stood there was made unreadable",
        summary.upstream,
        summary.key);
  }
  const bool was_answered = outcome != Outcome::local && summary.first_byte_ms != 0 &&
                            summary.status < 400 && !summary.upstream.empty();
  // Who leaves before the answer has had its request sent: else leaving would cost nothing.
  const bool was_served = was_answered || (outcome == Outcome::client_left && summary.attempts > 0);
  const auto bill = policy::Pipeline::observe(was_served, now(), request_.policy);
  if (!bill || !was_served) return;
  summary.model = bill->model;
  summary.tokens = {.input = bill->usage.input,
                    .cached = bill->usage.cached,
                    .cache_written = bill->usage.cache_written,
                    .output = bill->usage.output,
                    .reasoning = bill->usage.reasoning};
  summary.nano_dollars = bill->nano_dollars;
  summary.is_metered = bill->is_metered;
  summary.is_unpriced = bill->is_unpriced;
  if (environment_.ledger != nullptr) environment_.ledger->record(record_of(summary));
}

void Exchange::abandon() {
  CHECK(request_.phase == Phase::request_head);
  request_.phase = Phase::finished;
  environment_.metrics.exchanges_open.subtract();
  request_.client->on_exchange_finished();
}

// The way up.

void Exchange::on_request_head(const http::MessageTraits& traits) {
  request_.traits = traits;
  const std::string_view target = request_head_.target;
  request_.summary.method = request_head_.method;
  request_.summary.path = target.substr(0, target.find('?'));
  if (request_.entrance->service != nullptr) {
    serve(*request_.entrance->service);
  } else {
    decide();
  }
}

policy::Asked Exchange::asked() {
  return {.head = request_head_,
          .traits = request_.traits,
          .client_address = request_.summary.client_address,
          .is_https = request_.entrance->is_https,
          .arena = arena_,
          .body = request_buffer_,
          .body_is_whole = request_.is_whole,
          .waker = {this, [](void* self) {
                      static_cast<Exchange*>(self)->on_woken();
                    }}};
}

void Exchange::decide() {
  request_.phase = Phase::deciding;
  request_.body_wanted = 0;
  // Nobody else asks for the time.
  const policy::Now at = pipeline().has_gateway() ? now() : policy::Now{};
  const policy::Verdict verdict = pipeline().decide(
      asked(), environment_.memory.is_tight(), at, response_head_, request_.policy);
  switch (verdict.kind) {
    case policy::Verdict::Kind::proceed:
      if (request_.policy.account != nullptr) rewrite_body(request_.policy.account->edit());
      start_over({.pool = &request_.snapshot->pool(request_.policy.route->upstream)});
      return;
    case policy::Verdict::Kind::answer:
      answer(verdict);
      return;
    case policy::Verdict::Kind::needs_body:
      request_.body_wanted = verdict.body_bytes;
      ask_for_body();
      return;
    case policy::Verdict::Kind::wait:
      deadline_.set(verdict.wait_ms);
      return;
  }
}

// What the verdict waited for has come.
void Exchange::on_woken() {
  if (request_.phase != Phase::deciding) return;
  decide();
  end_event();
}

policy::Now Exchange::now() const {
  return {.us = static_cast<int64_t>(environment_.loop.now_ms()) * 1'000,
          .s = policy::realtime_s()};
}

// Of a body that is here as a whole.
void Exchange::rewrite_body(const openai::BodyEdit& edit) {
  if (!edit.is_needed()) return;
  std::string body;
  body.reserve(request_buffer_.size() + edit.text.size());
  request_buffer_.for_each([&](base::Bytes piece) { body += base::as_text(piece); });
  body.replace(edit.offset, edit.removed_bytes, edit.text);
  request_buffer_.clear();
  request_buffer_.append(base::as_bytes(body));
  http::Framing& framing = request_.traits.framing;
  if (framing.kind == http::Framing::Kind::length) framing.length = body.size();
}

// A client that waits for a word before it sends its body gets it now, and no second one.
void Exchange::ask_for_body() {
  if (!request_.traits.expects_continue) return;
  request_.traits.expects_continue = false;
  request_head_.remove("expect");
  response_head_.status = 100;
  response_head_.reason = "Continue";
  request_.client->send_head(response_head_, stream::Body{});
  response_head_.clear();
}

void Exchange::on_request_body(base::Bytes bytes) {
  if (request_.phase == Phase::finished || request_.phase == Phase::answering) return;
  request_.summary.bytes_up += bytes.size();
  const bool is_tunnel = request_.phase == Phase::tunnel;
  if (!is_tunnel) {
    const auto error = policy::Pipeline::check_body(request_.summary.bytes_up, request_.policy);
    if (error) {
      refuse_rest(*error);
      return;
    }
  }
  if (request_.attempt.drops_body()) return;
  if (!is_tunnel) buffer_body(bytes);
  if (request_.phase == Phase::deciding) {
    const uint64_t wanted = request_.body_wanted;
    // Nobody would take up again a client that is paused for want of memory.
    if (wanted > 0 && environment_.memory.is_tight()) {
      refuse_for_memory();
    } else if (wanted > 0 && request_buffer_.size() >= wanted) {
      decide();
    }
    return;
  }
  if (stream::UpstreamStream* const upstream = request_.attempt.stream()) {
    upstream->send_body(bytes);
  }
}

void Exchange::on_request_end() {
  if (request_.phase == Phase::finished) return;
  request_.is_whole = true;
  if (request_.phase == Phase::deciding) {
    // What goes up from here has its end already.
    if (request_.body_wanted > 0) decide();
    return;
  }
  stream::UpstreamStream* const upstream = request_.attempt.stream();
  if (upstream == nullptr) return;
  if (!request_.attempt.drops_body()) upstream->send_end(request_head_.trailers);
  if (request_.phase == Phase::tunnel && request_.response_is_whole) {
    end_event();  // the stream is given back now, not at the end of the event
    finish(Outcome::complete);
  }
}

void Exchange::on_request_refused(const http::H1Error& error) {
  if (request_.phase == Phase::finished) return;
  // A head that was refused half read still names its method, for the log.
  request_.summary.method = request_head_.method;
  refuse_rest(policy::error_for_request(error.status, error.why));
}

// Of a request whose response may be on its way already: that one cannot be taken back.
void Exchange::refuse_rest(const openai::ApiError& error) {
  if (request_.phase == Phase::responding || request_.phase == Phase::tunnel) {
    request_.client->reset();
    finish(Outcome::cut);
  } else {
    refuse(error);
  }
}

// Keeps body bytes that have nowhere to go yet, or may be needed for another attempt.
void Exchange::buffer_body(base::Bytes bytes) {
  const uint64_t bytes_max =
      std::max(request_.snapshot->config().limits.replay_bytes_max, request_.body_wanted);
  if (request_.attempt.stream() != nullptr) {
    if (request_.is_held && request_.phase == Phase::awaiting_head &&
        request_buffer_.size() + bytes.size() <= bytes_max && !environment_.memory.is_tight()) {
      request_buffer_.append(bytes);
    } else {
      forget_body();
    }
    return;
  }
  request_buffer_.append(bytes);
  if (request_buffer_.size() >= bytes_max || environment_.memory.is_tight()) {
    request_.client->pause(stream::Pause::held);
  }
}

// It cannot be sent again from here on.
void Exchange::forget_body() {
  request_.is_held = false;
  request_buffer_.clear();
}

size_t Exchange::held_bytes() const {
  const size_t heads = arena_.used() > heads_bytes_usual ? arena_.used() : 0;
  const stream::UpstreamStream* const upstream = request_.attempt.stream();
  return request_buffer_.size() + heads + (upstream != nullptr ? upstream->queued_bytes() : 0);
}

// The one way to an upstream, the first and any other time.
void Exchange::start_over(Attempt::Next next) {
  drop_upstream();
  request_.client->resume(stream::Pause::flow);  // whose queue was full is gone
  request_.phase = Phase::acquiring;
  deadline_.set(next.pool->config().pool.waiting_timeout_ms);
  upstream::UpstreamPool::Acquired acquired = request_.attempt.begin(std::move(next), *this);
  if (acquired.stream) {
    start_attempt(std::move(acquired.stream));
  } else if (acquired.error) {
    fail_attempt(*acquired.error);
  }
}

void Exchange::on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) {
  start_attempt(std::move(upstream));
  end_event();
}

void Exchange::on_upstream_unavailable(Error error) {
  fail_attempt(error);
  end_event();
}

// There is no upstream to be had.
void Exchange::fail_attempt(Error error) {
  give_up(error, policy::error_for_upstream(error, request_.attempt.was_retry()));
}

void Exchange::give_up(Error error, const openai::ApiError& answer) {
  request_.summary.upstream = request_.attempt.pool().identity().name;
  refuse(answer, {}, error.code == Code::timeout ? Outcome::timeout : Outcome::upstream_failed);
}

void Exchange::start_attempt(std::unique_ptr<stream::UpstreamStream> stream) {
  Attempt& attempt = request_.attempt;
  attempt.use(std::move(stream));
  stream::UpstreamStream& upstream = *attempt.stream();
  request_.phase = Phase::awaiting_head;
  request_.summary.upstream = attempt.pool().identity().name;
  request_.summary.reused = upstream.has_served();
  ++request_.summary.attempts;
  policy::Pipeline::prepare_request(
      asked(), attempt.destination(), request_.policy, upstream_head_);
  if (policy::is_connection_login(upstream_head_)) upstream.bind();
  attempt.pool().on_request_sent();
  upstream.attach({.listener = *this,
                   .response_head = response_head_,
                   .arena = arena_,
                   .request_method = upstream_head_.method});
  upstream.send_head(upstream_head_, request_body());
  deadline_.set(attempt.pool().config().timeouts.first_byte_ms);
  if (!attempt.drops_body())
    request_buffer_.for_each([&](base::Bytes piece) { upstream.send_body(piece); });
  if (request_.is_whole)
    upstream.send_end(attempt.drops_body() ? no_trailers : request_head_.trailers);
  if (request_buffer_.size() > request_.snapshot->config().limits.replay_bytes_max) {
    end_event();  // it lent its bytes until then
    forget_body();
  }
  request_.client->resume(stream::Pause::held);
}

stream::Body Exchange::request_body() const {
  return request_.attempt.drops_body() ? stream::Body{} : stream::Body::of(request_.traits.framing);
}

// Ends an event: what it brought for either side leaves, whatever it was.
void Exchange::end_event() {
  flush_upstream();
  static_cast<void>(request_.client->flush());
}

void Exchange::flush_upstream() const {
  stream::UpstreamStream* const upstream = request_.attempt.stream();
  if (upstream != nullptr && upstream->flush() == net::Flow::full) {
    request_.client->pause(stream::Pause::flow);
  }
}

void Exchange::on_request_flush() {
  if (request_.attempt.stream() == nullptr) {
    static_cast<void>(request_.client->flush());  // perhaps answered already
    return;
  }
  flush_upstream();
  if (request_.phase == Phase::awaiting_head) {
    deadline_.set(request_.attempt.pool().config().timeouts.first_byte_ms);
  } else if (request_.phase == Phase::tunnel) {
    deadline_.set(silence_ms());
  }
}

uint32_t Exchange::silence_ms() const {
  const config::UpstreamTimeouts& timeouts = request_.attempt.pool().config().timeouts;
  return request_.streams ? timeouts.stream_silence_ms : timeouts.silence_ms;
}

void Exchange::on_upstream_drained() {
  request_.client->resume(stream::Pause::flow);
}

void Exchange::drop_upstream() {
  request_.attempt.drop(*this);
}

void Exchange::on_client_left(Outcome outcome) {
  if (request_.phase == Phase::finished) return;
  drop_upstream();
  finish(environment_.stopping ? Outcome::cut : outcome);
}

void Exchange::on_deadline() {
  switch (request_.phase) {
    case Phase::acquiring:
      drop_upstream();
      fail_attempt({Code::refused, Side::upstream});
      break;
    case Phase::awaiting_head:
      refuse(policy::error_for_silence(), {}, Outcome::timeout);
      break;
    case Phase::responding:
    case Phase::tunnel:
      request_.client->reset();
      finish(Outcome::timeout);
      break;
    case Phase::deciding:
      decide();
      break;
    case Phase::request_head:
    case Phase::answering:
    case Phase::finished:
      break;
  }
  end_event();
}

void Exchange::on_upstream_failed(Error error) {
  const std::string& name = request_.attempt.pool().identity().name;
  const observe::Summary& summary = request_.summary;
  if (request_.phase != Phase::awaiting_head) {
    base::log_debug("upstream {}: the answer to {} {} broke off: {}",
                    name,
                    summary.method,
                    summary.path,
                    base::code_name(error.code));
    request_.summary.error_code = base::code_name(error.code);
    request_.client->reset();
    finish(Outcome::upstream_failed);
    return;
  }
  policy::FailedAttempt attempt = request_.attempt.failure();
  attempt.replayable = request_.is_held;
  attempt.method = upstream_head_.method;
  attempt.has_idempotency_key = request_head_.find("idempotency-key") != nullptr;
  attempt.retry_posts = request_.policy.route->retry_posts;
  if (!policy::may_retry(attempt)) {
    base::log_debug("upstream {}: {} {} failed ({}) and is not sent again: {}",
                    name,
                    summary.method,
                    summary.path,
                    base::code_name(error.code),
                    policy::obstacle_to_retry(attempt));
    give_up(error, policy::error_for_lost(attempt, error));
    return;
  }
  base::log_debug(
      "upstream {}: {} {} failed ({}) on a kept connection, before any answer: it is sent once "
      "more",
      name,
      summary.method,
      summary.path,
      base::code_name(error.code));
  environment_.metrics.upstream_retries.add();
  start_over({.pool = &request_.attempt.pool(),
              .wanted = upstream::UpstreamPool::Wanted::fresh,
              .is_retry = true});
}

}  // namespace proxy
