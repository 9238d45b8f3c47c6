#include "proxy/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "http/target.h"
#include "openai/api_error.h"
#include "policy/base_path.h"
#include "policy/connection_login.h"
#include "policy/loop.h"
#include "policy/page_origin.h"
#include "upstream/upstream_pool.h"

namespace proxy {

using base::Code;
using base::Error;
using base::Side;
using http::FieldId;
using observe::Outcome;

namespace {

// Of a request and its response: nothing to be cut for.
constexpr size_t heads_bytes_usual = 16 * 1024;

const std::vector<http::Field> no_trailers;

// It may well have run: asking again would cost its tokens twice.
constexpr openai::ApiError first_byte_timeout = {504,
                                                 "server_error",
                                                 "upstream_timeout",
                                                 "The upstream did not answer in time.",
                                                 openai::RetryAdvice::never};

// SDKs that are left to themselves repeat a 502; who must not be charged twice tells them not to.
constexpr openai::ApiError closed_with_request = {
    502,
    "server_error",
    "upstream_closed",
    "The upstream closed the connection before it answered. The request may have run, so the proxy "
    "did not send it again; whether to repeat it is for you to decide."};

// Ended without an answer, whatever the reason.
bool is_lost_connection(Error error) {
  return error.code == Code::closed || error.code == Code::reset || error.code == Code::io;
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
  CHECK(phase_ == Phase::finished || client_ == nullptr);
}

void Exchange::begin(stream::ClientStream& client,
                     const Entrance& entrance,
                     std::string_view client_address) {
  client_ = &client;
  entrance_ = &entrance;
  snapshot_ = environment_.snapshot;
  route_ = &snapshot_->router().fallback();
  phase_ = Phase::request_head;
  summary_ = {};
  summary_.client_address = client_address;
  summary_.started_ms = environment_.loop.now_ms();
  environment_.metrics.exchanges_open.add();
}

void Exchange::recycle() {
  CHECK(phase_ == Phase::finished);
  client_ = nullptr;
  entrance_ = nullptr;
  snapshot_.reset();
  route_ = nullptr;
  pool_ = nullptr;
  arena_.reset();
  request_head_.clear();
  upstream_head_.clear();
  response_head_.clear();
  redirected_to_.reset();
  redirects_ = 0;
  interim_heads_ = 0;
  request_ended_ = response_ended_ = false;
  replayable_ = true;
  body_dropped_ = credentials_dropped_ = retried_ = streams_ = false;
}

void Exchange::finish(Outcome outcome) {
  CHECK(phase_ != Phase::finished);
  phase_ = Phase::finished;
  deadline_.clear();
  if (upstream_) give_back_upstream(outcome == Outcome::complete && request_ended_);
  request_buffer_.clear();
  environment_.metrics.exchanges_open.subtract();
  // The admin pages are not traffic.
  if (entrance_->purpose != Purpose::admin) {
    summary_.outcome = outcome;
    summary_.ended_ms = environment_.loop.now_ms();
    environment_.metrics.count(summary_);
    environment_.access_log.write(summary_);
  }
  client_->on_exchange_finished();
}

// To serve again, where the exchange is whole and the connection in order.
void Exchange::give_back_upstream(bool is_whole) {
  const bool is_reusable = upstream_->detach() && is_whole;
  stream::UpstreamStreams* const bound = client_->bound_streams();
  if (is_reusable && !upstream_->is_bound()) {
    pool_->release(std::move(upstream_));
  } else if (is_reusable && bound != nullptr) {
    pool_->release_to(*bound, std::move(upstream_));
  } else {
    pool_->discard(std::move(upstream_));
  }
}

void Exchange::abandon() {
  CHECK(phase_ == Phase::request_head);
  phase_ = Phase::finished;
  environment_.metrics.exchanges_open.subtract();
  client_->on_exchange_finished();
}

// The way up.

void Exchange::on_request_head(const http::MessageTraits& traits) {
  request_traits_ = traits;
  const std::string_view target = request_head_.target;
  summary_.method = request_head_.method;
  summary_.path = target.substr(0, target.find('?'));
  if (answer_locally()) return;
  pool_ = &snapshot_->pool(route_->upstream);
  acquire();
}

void Exchange::on_request_body(base::Bytes bytes) {
  if (phase_ == Phase::finished) return;
  summary_.bytes_up += bytes.size();
  const uint64_t body_bytes_max = route_->body_bytes_max;
  if (body_bytes_max != 0 && summary_.bytes_up > body_bytes_max && phase_ != Phase::tunnel) {
    on_request_refused({413, "the request body is larger than this proxy's body_bytes_max"});
    return;
  }
  if (body_dropped_) return;
  if (phase_ != Phase::tunnel) buffer_body(bytes);
  if (upstream_) upstream_->send_body(bytes);
}

void Exchange::on_request_end() {
  if (phase_ == Phase::finished) return;
  request_ended_ = true;
  if (!upstream_) return;
  if (!body_dropped_) upstream_->send_end(request_head_.trailers);
  if (phase_ == Phase::tunnel && response_ended_) {
    flush();  // the stream is given back now, not at the end of the event
    finish(Outcome::complete);
  }
}

void Exchange::on_request_refused(const http::H1Error& error) {
  if (phase_ == Phase::finished) return;
  if (phase_ == Phase::responding || phase_ == Phase::tunnel) {
    client_->reset();
    finish(Outcome::cut);
    return;
  }
  // A head that was refused half read still names method and target, for the log.
  summary_.method = request_head_.method;
  reply(local::error_for_request(error.status, error.why));
}

// Keeps body bytes that have nowhere to go yet, or may be needed for another attempt.
void Exchange::buffer_body(base::Bytes bytes) {
  const uint64_t bytes_max = snapshot_->config().limits.replay_bytes_max;
  if (upstream_) {
    if (replayable_ && phase_ == Phase::awaiting_head &&
        request_buffer_.size() + bytes.size() <= bytes_max && !environment_.memory.is_tight()) {
      request_buffer_.append(bytes);
      return;
    }
    replayable_ = false;
    request_buffer_.clear();
    return;
  }
  request_buffer_.append(bytes);
  if (request_buffer_.size() >= bytes_max || environment_.memory.is_tight()) {
    client_->pause(stream::Pause::held);
  }
}

size_t Exchange::held_bytes() const {
  const size_t heads = arena_.used() > heads_bytes_usual ? arena_.used() : 0;
  return request_buffer_.size() + heads + (upstream_ ? upstream_->queued_bytes() : 0);
}

void Exchange::acquire(upstream::UpstreamPool::Wanted wanted) {
  phase_ = Phase::acquiring;
  deadline_.set(pool_->config().pool.waiting_timeout_ms);
  upstream::UpstreamPool::Acquired acquired = pool_->acquire(*this, wanted);
  if (acquired.stream) {
    start_attempt(std::move(acquired.stream));
  } else if (acquired.error) {
    fail_attempt(*acquired.error);
  }
}

void Exchange::on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) {
  start_attempt(std::move(upstream));
  flush();
}

void Exchange::on_upstream_unavailable(Error error) {
  fail_attempt(error);
  flush();
}

// There is no upstream to be had, or it has failed before its response.
void Exchange::fail_attempt(Error error) {
  summary_.upstream = pool_->identity().name;
  openai::ApiError answer = local::error_for_upstream(error);
  if (retried_) answer.retry = openai::RetryAdvice::never;
  reply(answer, error.code == Code::timeout ? Outcome::timeout : Outcome::upstream_failed);
}

void Exchange::start_attempt(std::unique_ptr<stream::UpstreamStream> upstream) {
  upstream_ = std::move(upstream);
  phase_ = Phase::awaiting_head;
  summary_.upstream = pool_->identity().name;
  summary_.reused = upstream_->has_served();
  ++summary_.attempts;
  prepare_head();
  if (policy::is_connection_login(upstream_head_)) upstream_->bind();
  pool_->on_request_sent();
  upstream_->attach({.listener = *this,
                     .response_head = response_head_,
                     .arena = arena_,
                     .request_method = upstream_head_.method});
  upstream_->send_head(upstream_head_, request_body());
  deadline_.set(pool_->config().timeouts.first_byte_ms);
  if (!body_dropped_)
    request_buffer_.for_each([&](base::Bytes piece) { upstream_->send_body(piece); });
  if (request_ended_) upstream_->send_end(body_dropped_ ? no_trailers : request_head_.trailers);
  if (request_buffer_.size() > snapshot_->config().limits.replay_bytes_max) {
    flush();  // it lent its bytes until then
    replayable_ = false;
    request_buffer_.clear();
  }
  client_->resume(stream::Pause::held);
}

void Exchange::prepare_head() {
  const upstream::UpstreamIdentity& upstream = pool_->identity();
  upstream_head_.clear();
  upstream_head_.method = body_dropped_ ? "GET" : request_head_.method;
  upstream_head_.target = upstream_target();
  route_->fields.request(request_head_, upstream_head_, upstream.host);
  if (request_traits_.upgrade) {
    upstream_head_.add("Upgrade", request_head_.find(FieldId::upgrade)->value);
  }
  if (body_dropped_) {
    std::erase_if(upstream_head_.fields, [](const http::Field& field) {
      return policy::describes_body(field.name) || field.id == FieldId::expect;
    });
  }
  if (credentials_dropped_) policy::drop_credentials(upstream_head_.fields);
  if (upstream.hides_page && route_->cors.answers(request_head_)) {
    policy::hide_page(upstream_head_);
  }
  if (pool_->doubts_answers()) {
    upstream_head_.add(policy::loop_field, policy::marked(request_head_, arena_));
  }
  route_->fields.announce(upstream_head_, summary_.client_address, entrance_->is_https);
}

std::string_view Exchange::upstream_target() {
  if (redirected_to_) return redirected_to_->target;
  std::string_view path = http::origin_form(request_head_.method, request_head_.target, arena_);
  if (path == "*") return path;
  path = route_->forwarded(path);
  if (!path.starts_with('/')) path = arena_.join({"/", path});
  const std::string_view base_path = policy::base_in_front(pool_->identity().url.target, path);
  return base_path.empty() ? path : arena_.join({base_path, path});
}

stream::Body Exchange::request_body() const {
  return body_dropped_ ? stream::Body{} : stream::Body::of(request_traits_.framing);
}

// Ends an event: what it brought for either side leaves, whatever it was.
void Exchange::flush() {
  flush_upstream();
  static_cast<void>(client_->flush());
}

void Exchange::flush_upstream() {
  if (upstream_ && upstream_->flush() == net::Flow::full) client_->pause(stream::Pause::flow);
}

void Exchange::on_request_flush() {
  if (!upstream_) {
    static_cast<void>(client_->flush());  // perhaps answered already
    return;
  }
  flush_upstream();
  if (phase_ == Phase::awaiting_head) {
    deadline_.set(pool_->config().timeouts.first_byte_ms);
  } else if (phase_ == Phase::tunnel) {
    deadline_.set(silence_ms());
  }
}

uint32_t Exchange::silence_ms() const {
  const config::UpstreamTimeouts& timeouts = pool_->config().timeouts;
  return streams_ ? timeouts.stream_silence_ms : timeouts.silence_ms;
}

void Exchange::on_upstream_drained() {
  client_->resume(stream::Pause::flow);
}

void Exchange::drop_upstream() {
  if (is_linked()) pool_->cancel(*this);
  if (!upstream_) return;
  static_cast<void>(upstream_->detach());
  pool_->discard(std::move(upstream_));
}

void Exchange::on_client_left(Outcome outcome) {
  if (phase_ == Phase::finished) return;
  drop_upstream();
  finish(environment_.stopping ? Outcome::cut : outcome);
}

void Exchange::on_deadline() {
  switch (phase_) {
    case Phase::acquiring:
      drop_upstream();
      fail_attempt({Code::refused, Side::upstream});
      break;
    case Phase::awaiting_head:
      reply(first_byte_timeout, Outcome::timeout);
      break;
    case Phase::responding:
    case Phase::tunnel:
      client_->reset();
      finish(Outcome::timeout);
      break;
    case Phase::request_head:
    case Phase::finished:
      break;
  }
  flush();
}

policy::FailedAttempt Exchange::failed_attempt() const {
  return {.connection_reused = upstream_->has_served(),
          .response_begun = upstream_->facts().response_begun || interim_heads_ > 0,
          .replayable = replayable_,
          .was_retry = retried_,
          .refused = upstream_->has_refused_request(),
          .method = upstream_head_.method,
          .has_idempotency_key = request_head_.find("idempotency-key") != nullptr,
          .retry_posts = route_->retry_posts};
}

void Exchange::retry() {
  retried_ = true;
  environment_.metrics.upstream_retries.add();
  drop_upstream();
  client_->resume(stream::Pause::flow);  // whose queue was full is gone
  acquire(upstream::UpstreamPool::Wanted::fresh);
}

void Exchange::on_upstream_failed(Error error) {
  if (phase_ == Phase::awaiting_head) {
    const policy::FailedAttempt attempt = failed_attempt();
    if (policy::may_retry(attempt)) {
      retry();
    } else if (is_lost_connection(error) && policy::must_not_run_again(attempt)) {
      reply(closed_with_request, Outcome::upstream_failed);
    } else {
      fail_attempt(error);
    }
    return;
  }
  summary_.error_code = base::code_name(error.code);
  client_->reset();
  finish(Outcome::upstream_failed);
}

}  // namespace proxy
