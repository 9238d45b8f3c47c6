// The way down of an Exchange: response heads, redirects, tunnels, bodies.

#include "policy/connection_login.h"
#include "policy/way_back.h"
#include "proxy/exchange.h"
#include "upstream/upstream_pool.h"

namespace proxy {

using base::Code;
using base::Side;
using http::FieldId;
using observe::Outcome;

namespace {

// RFC 9110 6.4.1: such a response has no body, whatever its fields say.
bool is_bodiless(std::string_view method, uint16_t status) {
  return method == "HEAD" || status == 204 || status == 304;
}

bool is_event_stream(const http::Head& head) {
  constexpr std::string_view type = "text/event-stream";
  const http::Field* field = head.find(FieldId::content_type);
  return field != nullptr && http::equals_ignoring_case(field->value.substr(0, type.size()), type);
}

}  // namespace

void Exchange::on_response_head() {
  const uint16_t status = response_head_.status;
  pool_->on_answer();
  if (policy::is_connection_login(response_head_)) upstream_->bind();
  if (status == 101) {
    begin_tunnel();
  } else if (status < 200) {
    forward_interim();
  } else if (!follow_redirect()) {
    forward_head();
  }
}

void Exchange::forward_interim() {
  if (++interim_heads_ > interim_max) {
    on_upstream_failed({Code::parse, Side::upstream});
    return;
  }
  if (response_head_.status == 100 && !request_traits_.expects_continue) return;
  route_->fields.response(response_head_);
  client_->send_head(response_head_, stream::Body{});
}

void Exchange::begin_tunnel() {
  if (!request_traits_.upgrade || !request_ended_) {
    on_upstream_failed({Code::parse, Side::upstream});
    return;
  }
  const http::Field* upgrade = response_head_.find(FieldId::upgrade);
  const std::string_view protocol = upgrade != nullptr ? upgrade->value : "websocket";
  route_->fields.response(response_head_);
  response_head_.add("Upgrade", protocol);
  route_->cors.apply(request_head_, response_head_, arena_);
  client_->send_head(response_head_, {stream::Body::Kind::tunnel, 0});
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  environment_.metrics.tunnels.add();
  phase_ = Phase::tunnel;
  streams_ = true;
  request_ended_ = false;
  request_buffer_.clear();
  upstream_->start_tunnel();
  client_->start_tunnel();
}

// What was asked last.
base::Url Exchange::current_url() const {
  return redirected_to_
             ? *redirected_to_
             : base::Url{pool_->identity().url.origin, std::string(upstream_head_.target)};
}

void Exchange::map_way_back() {
  if (!policy::names_a_place(response_head_)) return;
  const upstream::UpstreamIdentity& upstream = snapshot_->pool(route_->upstream).identity();
  const base::Url current = current_url();
  policy::map_way_back(response_head_,
                       {.router = snapshot_->router(),
                        .route = *route_,
                        .upstream = upstream.url,
                        .host = upstream.host,
                        .current = current,
                        .redirected = redirected_to_.has_value()},
                       arena_);
}

bool Exchange::follow_redirect() {
  const config::Redirects& redirects = route_->redirects;
  if (!redirects.follow || redirects_ >= redirects.max ||
      !policy::is_redirect_status(response_head_.status) || request_traits_.upgrade) {
    return false;
  }
  const http::Field* location = response_head_.find(FieldId::location);
  if (location == nullptr) return false;
  std::optional<policy::Redirect> redirect = policy::plan_redirect(response_head_.status,
                                                                   upstream_head_.method,
                                                                   current_url(),
                                                                   pool_->identity().host,
                                                                   location->value);
  if (!redirect) return false;
  const bool body_held = body_dropped_ || (request_ended_ && replayable_);
  if (!redirect->becomes_get && !body_held) return false;
  upstream::UpstreamPool* next =
      snapshot_->pool_for(snapshot_->pool(route_->upstream), redirect->url.origin);
  if (next == nullptr) return false;

  drop_upstream();
  client_->resume(stream::Pause::flow);
  ++redirects_;
  environment_.metrics.redirects_followed.add();
  body_dropped_ = body_dropped_ || redirect->becomes_get;
  credentials_dropped_ = credentials_dropped_ || redirect->cross_origin;
  // Nor in the trailers, which are here: a body that is not whole is not sent again.
  if (credentials_dropped_) policy::drop_credentials(request_head_.trailers);
  redirected_to_ = std::move(redirect->url);
  pool_ = next;
  acquire();
  return true;
}

void Exchange::forward_head() {
  const stream::Body body = response_body();
  phase_ = Phase::responding;
  route_->fields.response(response_head_);
  map_way_back();
  streams_ = is_event_stream(response_head_);
  if (streams_) {
    // Or a front nginx would gather the events.
    response_head_.set("X-Accel-Buffering", "no");
  }
  route_->fields.announce(response_head_);
  route_->cors.apply(request_head_, response_head_, arena_);
  client_->send_head(response_head_, body);
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  // An answer is on its way: the request can never be sent again.
  replayable_ = false;
  request_buffer_.clear();
}

stream::Body Exchange::response_body() const {
  const stream::UpstreamFacts facts = upstream_->facts();
  if (is_bodiless(request_head_.method, response_head_.status)) {
    // What a GET would have had, which is not for a 204 (RFC 9110 8.6).
    const bool said = facts.content_length && response_head_.status != 204;
    return said ? stream::Body{stream::Body::Kind::length, *facts.content_length} : stream::Body{};
  }
  // None, yet allowed to: an empty one.
  return facts.body.kind == stream::Body::Kind::none ? stream::Body{stream::Body::Kind::length, 0}
                                                     : facts.body;
}

void Exchange::on_response_body(base::Bytes bytes) {
  summary_.bytes_down += bytes.size();
  client_->send_body(bytes);
}

void Exchange::on_response_flush() {
  if (phase_ == Phase::awaiting_head) flush_upstream();  // perhaps another one by now
  const net::Flow flow = client_->flush();
  if (phase_ != Phase::responding && phase_ != Phase::tunnel) return;
  if (flow == net::Flow::full) {
    // The wait is the client's now, who has a deadline of its own.
    upstream_->pause(stream::Pause::flow);
    deadline_.clear();
  } else {
    deadline_.set(silence_ms());
  }
}

void Exchange::on_client_drained() {
  if (!upstream_) return;
  upstream_->resume(stream::Pause::flow);
  if (phase_ == Phase::responding || phase_ == Phase::tunnel) {
    deadline_.set(silence_ms());
  }
}

void Exchange::on_response_end() {
  response_ended_ = true;
  client_->send_end(response_head_.trailers);
  // A tunnel ends when both directions have.
  if (phase_ == Phase::tunnel && !request_ended_) return;
  finish(Outcome::complete);
}

}  // namespace proxy
