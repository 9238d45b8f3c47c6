// The way down of an Exchange: response heads, redirects, tunnels, bodies.

#include <utility>

#include "base/log.h"
#include "policy/connection_login.h"
#include "proxy/exchange.h"

namespace proxy {

using base::Code;
using base::Side;
using observe::Outcome;

namespace {

// RFC 9110 6.4.1: such a response has no body, whatever its fields say.
bool is_bodiless(std::string_view method, uint16_t status) {
  return method == "HEAD" || status == 204 || status == 304;
}

bool is_event_stream(const http::Head& head) {
  constexpr std::string_view type = "text/event-stream";
  const http::Field* field = head.find(http::FieldId::content_type);
  return field != nullptr && http::equals_ignoring_case(field->value.substr(0, type.size()), type);
}

}  // namespace

void Exchange::on_response_head() {
  const uint16_t status = response_head_.status;
  request_.attempt.pool().on_answer();
  if (policy::is_connection_login(response_head_)) request_.attempt.stream()->bind();
  if (status == 101) {
    begin_tunnel();
  } else if (status < 200) {
    forward_interim();
  } else if (!follow_redirect()) {
    forward_head();
  }
}

void Exchange::forward_interim() {
  if (!request_.attempt.count_interim()) {
    on_upstream_failed({Code::parse, Side::upstream});
    return;
  }
  if (response_head_.status == 100 && !request_.traits.expects_continue) return;
  policy::Pipeline::prepare_interim(asked(), request_.policy, response_head_);
  request_.client->send_head(response_head_, stream::Body{});
}

void Exchange::begin_tunnel() {
  if (!request_.traits.upgrade || !request_.is_whole) {
    on_upstream_failed({Code::parse, Side::upstream});
    return;
  }
  policy::Pipeline::begin_response(response_head_, true, request_.policy);
  policy::Pipeline::prepare_tunnel(asked(), request_.policy, response_head_);
  environment_.metrics.tunnels.add();
  request_.phase = Phase::tunnel;
  request_.streams = true;
  request_.is_whole = false;
  send_response_head({stream::Body::Kind::tunnel, 0});
  request_.attempt.stream()->start_tunnel();
  request_.client->start_tunnel();
}

policy::Answered Exchange::answered() {
  const Attempt& attempt = request_.attempt;
  const upstream::UpstreamIdentity& asked = attempt.pool().identity();
  const upstream::UpstreamIdentity& meant = attempt.pool_meant().identity();
  return {.head = response_head_,
          .method = upstream_head_.method,
          .target = upstream_head_.target,
          .asked_host = asked.host,
          .asked_url = asked.url,
          .upstream = meant.url,
          .host = meant.host,
          .redirected_to = attempt.redirected_to(),
          .body_is_held = attempt.drops_body() || (request_.is_whole && request_.is_held)};
}

bool Exchange::follow_redirect() {
  if (!policy::is_redirect_status(response_head_.status)) return false;
  auto redirect =
      policy::Pipeline::review(asked(), request_.policy, answered(), request_.attempt.redirects());
  if (!redirect) return false;
  upstream::UpstreamPool* const next =
      request_.snapshot->pool_for(request_.attempt.pool_meant(), redirect->url.origin);
  if (next == nullptr) return false;
  base::log_debug("upstream {}: a {} to {} is followed",
                  request_.attempt.pool().identity().name,
                  response_head_.status,
                  redirect->url.origin.host);
  environment_.metrics.redirects_followed.add();
  // Nor in the trailers, which are here: a body that is not whole is not sent again.
  if (redirect->cross_origin) policy::drop_credentials(request_head_.trailers);
  start_over({.pool = next, .redirect = std::move(redirect)});
  return true;
}

void Exchange::forward_head() {
  request_.phase = Phase::responding;
  request_.streams = is_event_stream(response_head_);
  policy::Pipeline::begin_response(response_head_, false, request_.policy);
  const stream::Body body = response_body();
  pipeline().prepare_response(asked(), request_.policy, answered(), request_.streams);
  send_response_head(body);
}

// An answer is on its way: the request can never be sent again.
void Exchange::send_response_head(stream::Body body) {
  request_.client->send_head(response_head_, body);
  request_.summary.status = response_head_.status;
  request_.summary.first_byte_ms = environment_.loop.now_ms();
  forget_body();
}

stream::Body Exchange::response_body() const {
  const stream::UpstreamFacts facts = request_.attempt.stream()->facts();
  if (is_bodiless(request_head_.method, response_head_.status)) {
    // What a GET would have had, which is not for a 204 (RFC 9110 8.6).
    const bool said = facts.content_length && response_head_.status != 204;
    return said ? stream::Body{stream::Body::Kind::length, *facts.content_length} : stream::Body{};
  }
  const policy::Account* const account = request_.policy.account.get();
  if (account != nullptr && account->shortens_body()) return {stream::Body::Kind::unknown, 0};
  // None, yet allowed to: an empty one.
  return facts.body.kind == stream::Body::Kind::none ? stream::Body{stream::Body::Kind::length, 0}
                                                     : facts.body;
}

void Exchange::on_response_body(base::Bytes bytes) {
  request_.summary.bytes_down += bytes.size();
  if (request_.policy.tap != nullptr) {
    request_.policy.tap->on_body(bytes);
    if (request_.policy.account->changes_body()) {
      send_changed(bytes);
      return;
    }
  }
  request_.client->send_body(bytes);
}

// What a policy takes out of a body, or makes unreadable in it. What it gives is its own until the
// next call, so that it leaves at once.
void Exchange::send_changed(base::Bytes bytes) const {
  policy::Account& account = *request_.policy.account;
  while (true) {
    const base::Bytes piece = account.change(bytes);
    if (piece.empty()) return;
    request_.client->send_body(piece);
    static_cast<void>(request_.client->flush());
  }
}

void Exchange::on_response_flush() {
  if (request_.phase == Phase::awaiting_head) flush_upstream();  // perhaps another one by now
  const net::Flow flow = request_.client->flush();
  if (request_.phase != Phase::responding && request_.phase != Phase::tunnel) return;
  if (flow == net::Flow::full) {
    // The wait is the client's now, who has a deadline of its own.
    request_.attempt.stream()->pause(stream::Pause::flow);
    deadline_.clear();
  } else {
    deadline_.set(silence_ms());
  }
}

void Exchange::on_client_drained() {
  if (request_.answer) request_.answer->on_drained();
  if (request_.attempt.stream() == nullptr) return;
  request_.attempt.stream()->resume(stream::Pause::flow);
  if (request_.phase == Phase::responding || request_.phase == Phase::tunnel) {
    deadline_.set(silence_ms());
  }
}

void Exchange::on_response_end() {
  request_.response_is_whole = true;
  if (request_.policy.tap != nullptr && request_.policy.account->changes_body()) {
    request_.client->send_body(request_.policy.account->change_end());
  }
  request_.client->send_end(response_head_.trailers);
  // A tunnel ends when both directions have.
  if (request_.phase == Phase::tunnel && !request_.is_whole) return;
  finish(Outcome::complete);
}

}  // namespace proxy
