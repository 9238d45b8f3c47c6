#include "upstream/h1_upstream.h"

#include "base/check.h"
#include "base/log.h"

namespace upstream {

using base::Code;
using base::Side;
using http::Framing;
using http::H1Event;

namespace {

bool is_interim(uint16_t status) {
  return status >= 100 && status < 200 && status != 101;
}

}  // namespace

H1Upstream::H1Upstream(net::Loop& loop,
                       const http::H1Limits& limits,
                       UpstreamOwner& owner,
                       std::string_view name)
    : owner_(owner),
      name_(name),
      parser_(http::H1Parser::Role::response, limits),
      output_(loop.blocks()),
      idle_deadline_(loop.timers(), this, [](void* self) {
        auto& connection = *static_cast<H1Upstream*>(self);
        base::log_debug("upstream {}: an idle connection was not used for pool.idle_timeout",
                        connection.name_);
        connection.owner_.on_idle_ended(connection);
      }) {}

H1Upstream::~H1Upstream() = default;

void H1Upstream::start(Dialer& dialer) {
  stream_ = dialer.dial(*this);
}

void H1Upstream::attach(const Service& service) {
  // Dialled, idle, or handed straight from one listener to another that waited.
  CHECK(state_ != State::closed && listener_ == nullptr);
  state_ = State::active;
  idle_deadline_.clear();
  listener_ = &service.listener;
  head_ = &service.response_head;
  arena_ = &service.arena;
  request_method_ = service.request_method;
  response_ended_ = write_failed_ = false;
  sent_before_ = stream_->sent_bytes();
  output_.reset();
  parser_.begin(*head_, *arena_, request_method_);
  stream_->set_reading(true);
}

bool H1Upstream::detach() {
  listener_ = nullptr;
  head_ = nullptr;
  arena_ = nullptr;
  request_method_ = {};
  pauses_.clear();
  ++served_;
  return state_ == State::active && response_ended_ && parser_.keep_alive() && !interim_closes_ &&
         !write_failed_ && !in_tunnel() && stream_->queued_bytes() == 0;
}

stream::UpstreamFacts H1Upstream::facts() const {
  return {.body = stream::Body::of(parser_.framing()),
          .content_length = parser_.content_length(),
          .response_begun = parser_.message_begun()};
}

void H1Upstream::become_idle(uint64_t timeout_ms) {
  state_ = State::idle;
  idle_deadline_.set(timeout_ms);
  // Reads on, to notice at once when the upstream closes it.
  stream_->set_reading(true);
}

void H1Upstream::close() {
  state_ = State::closed;
  idle_deadline_.clear();
  stream_->close();
}

bool H1Upstream::in_tunnel() const {
  return output_.framing().kind == Framing::Kind::tunnel;
}

void H1Upstream::send_head(const http::Head& head, stream::Body body) {
  const bool upgrade = head.find(http::FieldId::upgrade) != nullptr;
  const auto option = upgrade ? http::ConnectionOption::upgrade : http::ConnectionOption::none;
  // Of a request only chunks can show an end that is not known beforehand (RFC 9112 6.3).
  const Framing framing = stream::framing_of(body, Framing::Kind::chunked);
  output_.head(http::write_request_head(head, framing, option, *arena_), framing, *stream_);
}

void H1Upstream::send_body(base::Bytes bytes) {
  output_.body(bytes, *stream_);
}

void H1Upstream::send_end(const std::vector<http::Field>& trailers) {
  output_.end(trailers, *arena_, *stream_);
}

net::Flow H1Upstream::flush() {
  return output_.flush(*stream_);
}

void H1Upstream::start_tunnel() {
  parser_.switch_to_tunnel();
  output_.start_tunnel();
}

void H1Upstream::reset() {
  close();
}

void H1Upstream::pause(stream::Pause reason) {
  pauses_.add(reason);
  stream_->set_reading(false);
}

void H1Upstream::resume(stream::Pause reason) {
  if (pauses_.remove(reason) && state_ == State::active) stream_->set_reading(true);
}

void H1Upstream::on_connected() {
  owner_.on_dialed(*this);
}

void H1Upstream::on_read(base::Bytes bytes) {
  if (state_ == State::active) {
    parse(bytes);
  } else if (state_ == State::idle) {
    // Nobody asked: what an idle connection says could only poison the next response.
    base::log_warning(
        "upstream {}: {} bytes on an idle connection, closing it", name_, bytes.size());
    owner_.on_idle_ended(*this);
  }
}

void H1Upstream::parse(base::Bytes input) {
  // Where the first bytes of all are no response, they tell what else the upstream speaks.
  const base::Bytes said = has_spoken_ ? base::Bytes() : input;
  has_spoken_ = true;
  stream::ResponseListener& listener = *listener_;
  // The listener may leave at any event: redirect, retry, failure.
  bool goes_on = true;
  while (goes_on && listener_ == &listener) {
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        goes_on = false;
        break;
      case H1Event::Kind::head:
        listener.on_response_head();
        break;
      case H1Event::Kind::body:
        listener.on_response_body(event.body);
        break;
      case H1Event::Kind::end:
        goes_on = is_interim(head_->status);
        interim_closes_ = interim_closes_ || (goes_on && !parser_.keep_alive());
        goes_on ? parser_.begin(*head_, *arena_, request_method_) : message_ended(!input.empty());
        break;
      case H1Event::Kind::error:
        goes_on = false;
        fail({Code::parse, Side::upstream}, said);
        break;
    }
  }
  listener.on_response_flush();
}

void H1Upstream::message_ended(bool input_left) {
  if (input_left) {
    base::log_warning("upstream {}: bytes after the end of a response, closing the connection",
                      name_);
  }
  response_ended_ = !input_left;
  listener_->on_response_end();
}

void H1Upstream::on_read_end(net::ReadEnd end) {
  if (state_ == State::idle) {
    base::log_debug("upstream {}: it has closed an idle connection", name_);
    owner_.on_idle_ended(*this);
    return;
  }
  if (state_ == State::dialing) {
    owner_.on_dial_failed(*this, {Code::closed, Side::upstream});
    return;
  }
  if (state_ != State::active || listener_ == nullptr) return;
  stream::ResponseListener& listener = *listener_;
  const bool is_truncated = end == net::ReadEnd::truncated && !in_tunnel();
  if (!is_truncated && parser_.finish().kind == H1Event::Kind::end) {
    listener.on_response_end();
  } else {
    fail({Code::closed, Side::upstream});
  }
  listener.on_response_flush();
}

void H1Upstream::on_drained() {
  if (listener_ != nullptr) listener_->on_upstream_drained();
}

// The upstream may have answered before it closed (an early 4xx): reading goes on, and its end or
// the deadline settles the rest.
void H1Upstream::on_write_error(base::Error /*error*/) {
  write_failed_ = true;
  if (listener_ != nullptr) listener_->on_upstream_drained();
}

void H1Upstream::on_error(base::Error error) {
  switch (state_) {
    case State::dialing:
      owner_.on_dial_failed(*this, error);
      break;
    case State::idle:
      base::log_debug(
          "upstream {}: an idle connection broke: {}", name_, base::code_name(error.code));
      owner_.on_idle_ended(*this);
      break;
    case State::active:
      if (listener_ == nullptr) break;
      {
        stream::ResponseListener& listener = *listener_;
        fail(error);
        listener.on_response_flush();
      }
      break;
    case State::closed:
      break;
  }
}

void H1Upstream::fail(base::Error error, base::Bytes said) {
  error.side = Side::upstream;
  if (!has_spoken_ || !said.empty()) error = owner_.explain(error, said);
  listener_->on_upstream_failed(error);
}

}  // namespace upstream
