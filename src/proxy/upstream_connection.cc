#include "proxy/upstream_connection.h"

#include "base/check.h"
#include "base/log.h"
#include "proxy/exchange.h"
#include "proxy/upstream_pool.h"

namespace proxy {

using base::Code;
using base::Side;
using http::H1Event;

UpstreamConnection::UpstreamConnection(net::Loop& loop,
                                       const http::H1Limits& limits,
                                       UpstreamPool& pool)
    : loop_(loop),
      pool_(pool),
      parser_(http::H1Parser::Role::response, limits),
      output_(loop.blocks()),
      idle_deadline_(loop.timers(), this, [](void* self) {
        auto& connection = *static_cast<UpstreamConnection*>(self);
        connection.pool_.on_idle_ended(connection);
      }) {}

UpstreamConnection::~UpstreamConnection() = default;

void UpstreamConnection::start(Dialer& dialer) {
  stream_ = dialer.dial(*this);
}

void UpstreamConnection::attach(const Service& service) {
  // Dialled, idle, or handed straight from an exchange to one that waited.
  CHECK(state_ != State::closed && exchange_ == nullptr);
  state_ = State::active;
  idle_deadline_.clear();
  exchange_ = &service.exchange;
  head_ = &service.response_head;
  arena_ = &service.arena;
  request_method_ = service.request_method;
  response_ended_ = write_failed_ = shutdown_wanted_ = false;
  sent_before_ = stream_->sent_bytes();
  output_.reset();
  parser_.begin(*head_, *arena_, request_method_);
  stream_->set_reading(true);
}

bool UpstreamConnection::detach() {
  exchange_ = nullptr;
  head_ = nullptr;
  arena_ = nullptr;
  request_method_ = {};
  paused_ = 0;
  ++served_;
  return state_ == State::active && response_ended_ && parser_.keep_alive() && !write_failed_ &&
         output_.framing().kind != http::Framing::Kind::tunnel && stream_->queued_bytes() == 0;
}

void UpstreamConnection::become_idle(uint64_t timeout_ms) {
  state_ = State::idle;
  idle_deadline_.set(timeout_ms);
  // Reads on, to notice at once when the upstream closes it.
  stream_->set_reading(true);
}

void UpstreamConnection::close() {
  state_ = State::closed;
  idle_deadline_.clear();
  stream_->close();
}

void UpstreamConnection::await_next_head() {
  parser_.begin(*head_, *arena_, request_method_);
}

void UpstreamConnection::send_head(const http::Head& head, http::Framing framing) {
  const bool upgrade = head.find(http::FieldId::upgrade) != nullptr;
  const auto option = upgrade ? http::ConnectionOption::upgrade : http::ConnectionOption::none;
  output_.head(http::write_request_head(head, framing, option, *arena_), framing);
}

void UpstreamConnection::send_body(base::Bytes bytes) {
  output_.body(bytes, *stream_);
}

void UpstreamConnection::send_end(const std::vector<http::Field>& trailers) {
  output_.end(trailers, *arena_, *stream_);
  shutdown_wanted_ = output_.framing().kind == http::Framing::Kind::tunnel;
}

net::Flow UpstreamConnection::flush() {
  const net::Flow flow = output_.flush(*stream_);
  if (shutdown_wanted_) {
    shutdown_wanted_ = false;
    stream_->shutdown_write();
  }
  return flow;
}

void UpstreamConnection::start_tunnel() {
  parser_.switch_to_tunnel();
  output_.start_tunnel();
}

void UpstreamConnection::reset() {
  close();
}

void UpstreamConnection::pause(Pause reason) {
  paused_ |= static_cast<uint8_t>(reason);
  stream_->set_reading(false);
}

void UpstreamConnection::resume(Pause reason) {
  paused_ &= static_cast<uint8_t>(~static_cast<uint8_t>(reason));
  if (paused_ == 0 && state_ == State::active) stream_->set_reading(true);
}

void UpstreamConnection::on_connected() {
  pool_.on_dialed(*this);
}

void UpstreamConnection::on_read(base::Bytes bytes) {
  if (state_ == State::active) {
    parse(bytes);
  } else if (state_ == State::idle) {
    // Nobody asked: what an idle connection says could only poison the next response.
    base::log_warning("upstream {}: {} bytes on an idle connection, closing it",
                      pool_.identity().name,
                      bytes.size());
    pool_.on_idle_ended(*this);
  }
}

void UpstreamConnection::parse(base::Bytes input) {
  Exchange& exchange = *exchange_;
  // The exchange may leave at any event: redirect, retry, failure.
  while (exchange_ == &exchange) {
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        exchange.flush_client();
        return;
      case H1Event::Kind::head:
        exchange.on_response_head();
        break;
      case H1Event::Kind::body:
        exchange.on_response_body(event.body);
        break;
      case H1Event::Kind::end:
        if (head_->status >= 100 && head_->status < 200 && head_->status != 101) {
          await_next_head();
          break;
        }
        message_ended(!input.empty());
        return;
      case H1Event::Kind::error:
        fail({Code::parse, Side::upstream});
        return;
    }
  }
}

void UpstreamConnection::message_ended(bool input_left) {
  if (input_left) {
    base::log_warning("upstream {}: bytes after the end of a response, closing the connection",
                      pool_.identity().name);
  }
  response_ended_ = !input_left;
  exchange_->on_response_end();
}

void UpstreamConnection::on_read_end(net::ReadEnd end) {
  if (state_ == State::idle) {
    pool_.on_idle_ended(*this);
    return;
  }
  if (state_ == State::dialing) {
    pool_.on_dial_failed(*this, {Code::closed, Side::upstream});
    return;
  }
  if (state_ != State::active || exchange_ == nullptr) return;
  const bool tunnel = output_.framing().kind == http::Framing::Kind::tunnel;
  if (end == net::ReadEnd::truncated && !tunnel) {
    fail({Code::closed, Side::upstream});
    return;
  }
  if (parser_.finish().kind == H1Event::Kind::end) {
    exchange_->on_response_end();
  } else {
    fail({Code::closed, Side::upstream});
  }
}

void UpstreamConnection::on_drained() {
  if (exchange_ != nullptr) exchange_->on_upstream_drained();
}

// The upstream may have answered before it closed (an early 4xx): reading goes on, and its end or
// the deadline settles the rest.
void UpstreamConnection::on_write_error(base::Error /*error*/) {
  write_failed_ = true;
  if (exchange_ != nullptr) exchange_->on_upstream_drained();
}

void UpstreamConnection::on_error(base::Error error) {
  switch (state_) {
    case State::dialing:
      pool_.on_dial_failed(*this, error);
      break;
    case State::idle:
      pool_.on_idle_ended(*this);
      break;
    case State::active:
      if (exchange_ != nullptr) fail(error);
      break;
    case State::closed:
      break;
  }
}

void UpstreamConnection::fail(base::Error error) {
  error.side = Side::upstream;
  exchange_->on_upstream_failed(error);
}

}  // namespace proxy
