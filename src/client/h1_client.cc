// What a client says and what it is told, request by request.
#include "client/h1_client.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "net/address_format.h"
#include "proxy/exchange.h"

namespace client {

using http::Framing;
using http::H1Event;

namespace {

http::H1Limits limits_of(const config::Config& config) {
  const config::Limits& limits = config.limits;
  return {.head_bytes_max = limits.head_bytes_max,
          .fields_max = limits.fields_max,
          .target_bytes_max = limits.url_bytes_max};
}

}  // namespace

void H1Client::start(Clients& clients,
                     std::unique_ptr<net::ByteStream> stream,
                     const net::Address& client,
                     const proxy::Entrance& entrance) {
  // Owned by the list from here on; close() hands it to the graveyard.
  auto* connection = new H1Client(clients, std::move(stream), client, entrance);
  base::log_debug("client {}: connected", client);
  proxy::Environment& environment = clients.environment;
  clients.sessions.push_back(*connection);
  environment.metrics.client_connections.add();
  environment.metrics.client_connections_open.add();
  // A handshake has a deadline of its own.
  if (!entrance.is_https || environment.draining) connection->on_connected();
  connection->stream_->set_reading(true);
}

H1Client::H1Client(Clients& clients,
                   std::unique_ptr<net::ByteStream> stream,
                   const net::Address& client,
                   const proxy::Entrance& entrance)
    : ClientSession(client, entrance),
      clients_(clients),
      environment_(clients.environment),
      stream_(std::move(stream)),
      parser_(http::H1Parser::Role::request, limits_of(environment_.snapshot->config())),
      output_(environment_.loop.blocks()),
      address_(client.host_text()),
      deadline_(environment_.loop.timers(),
                this,
                [](void* self) { static_cast<H1Client*>(self)->on_deadline(); }),
      write_deadline_(environment_.loop.timers(),
                      this,
                      [](void* self) { static_cast<H1Client*>(self)->on_write_deadline(); }),
      next_request_(this, [](void* self) { static_cast<H1Client*>(self)->next_request(); }) {
  stream_->set_listener(*this);
}

H1Client::~H1Client() = default;

// A request ends on the configuration it began with; what comes between two follows the current
// one.
const config::Config& H1Client::config() const {
  return exchange_ ? exchange_->config() : environment_.snapshot->config();
}

const config::Timeouts& H1Client::timeouts() const {
  return config().timeouts;
}

// Reading.

void H1Client::on_connected() {
  if (state_ != State::idle) return;
  deadline_.set(environment_.draining ? drain_grace_ms : timeouts().request_head_ms);
}

void H1Client::on_read(base::Bytes bytes) {
  switch (state_) {
    case State::lingering: {
      const uint64_t lingered_ms = environment_.loop.now_ms() - sent_ms_;
      if (lingered_ms < linger_ms_max) {
        deadline_.set(std::min(linger_silence_ms, linger_ms_max - lingered_ms));
      } else if (!still_sending()) {
        close();
      }
      return;
    }
    case State::breaking:
    case State::closed:
      return;
    case State::response:
    case State::finished:
      keep_leftover(bytes);
      return;
    case State::tunnel:
      take_early_tunnel_bytes();
      parse(bytes);
      return;
    case State::idle:
      if (speaks_tls_in_vain(bytes)) {
        refuse_tls();
        return;
      }
      parse(bytes);
      return;
    case State::head:
    case State::body:
      parse(bytes);
      return;
  }
}

// A TLS handshake's first byte begins no request.
bool H1Client::speaks_tls_in_vain(base::Bytes bytes) const {
  constexpr std::byte handshake_record{22};
  return requests_ == 0 && !entrance().is_https && !bytes.empty() &&
         bytes.front() == handshake_record;
}

// Who speaks TLS reads an alert (RFC 8446 6): handshake_failure. HTTP would only look broken.
void H1Client::refuse_tls() {
  constexpr std::array<unsigned char, 7> alert = {21, 3, 1, 0, 2, 2, 40};
  const base::Bytes piece = std::as_bytes(std::span(alert));
  (void)stream_->write({&piece, 1});
  if (environment_.loop.now_ms() >= environment_.log_tls_again_ms) {
    environment_.log_tls_again_ms = environment_.loop.now_ms() + log_tls_interval_ms;
    base::log_warning(
        "{} speaks TLS to an address that has none: call it with http:// instead of https://, or "
        "give it a certificate (listen.tls); this is logged once a minute",
        address_);
  }
  linger();
}

void H1Client::begin_request() {
  exchange_ = clients_.exchanges.take(environment_);
  exchange_->begin(*this, entrance(), address_);
  follow(config());
  parser_.begin(exchange_->request_head(), exchange_->arena());
  output_.reset();
  write_deadline_.clear();
  watch_writing();  // of the last response, whose count is gone
  ++requests_;
  if (requests_ > 1) {
    base::log_debug("client {}: request {} over its connection", this->client(), requests_);
  }
  body_pace_.stop();
  state_ = State::head;
  deadline_.set(timeouts().request_head_ms);
}

// What the connection was made with may have been reloaded since.
void H1Client::follow(const config::Config& config) {
  parser_.set_limits(limits_of(config));
  stream_->set_unreachable(config.timeouts.unreachable_ms);
}

void H1Client::parse(base::Bytes input) {
  if (state_ == State::idle) begin_request();
  parse_messages(input);
  if (state_ == State::response || state_ == State::finished) keep_leftover(input);
  exchange_->on_request_flush();
}

// As far as the input goes, or up to the end of the request.
void H1Client::parse_messages(base::Bytes& input) {
  while (state_ == State::head || state_ == State::body || state_ == State::tunnel) {
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        await_more();
        return;
      case H1Event::Kind::head:
        on_head(input);
        break;
      case H1Event::Kind::body:
        body_pace_.add(event.body.size());
        exchange_->on_request_body(event.body);
        break;
      case H1Event::Kind::end:
        state_ = State::response;
        deadline_.clear();
        exchange_->on_request_end();
        break;
      case H1Event::Kind::error:
        input = {};  // behind an error nothing can be told apart
        after_ = After::linger;
        exchange_->on_request_refused(parser_.error());
        return;
    }
  }
}

void H1Client::await_more() {
  if (state_ == State::body && body_too_slow()) {
    environment_.metrics.clients_too_slow.add();
    after_ = After::linger;
    exchange_->on_request_refused({408, "the request body came too slowly"});
  } else if (state_ == State::body) {
    await_body();
  } else if (must_refuse_head()) {
    after_ = After::linger;
    exchange_->refuse_for_memory();
  }
}

void H1Client::on_head(base::Bytes& input) {
  deadline_.clear();
  const Framing framing = parser_.framing();
  const bool bodiless = framing.kind == Framing::Kind::none ||
                        (framing.kind == Framing::Kind::length && framing.length == 0);
  // A request without a body is complete before it is looked at, so that an answer of our own does
  // not take it for unfinished and close the connection.
  if (bodiless) {
    base::Bytes nothing;
    CHECK(parser_.next(nothing).kind == H1Event::Kind::end);
  }
  state_ = bodiless ? State::response : State::body;
  body_is_here_ =
      !bodiless && framing.kind == Framing::Kind::length && framing.length <= input.size();
  exchange_->on_request_head(parser_.traits());
  if (bodiless && state_ == State::response) exchange_->on_request_end();
  if (body_is_here_ && state_ == State::finished && after_ == After::next_request) {
    discard_body(input);
  }
  body_is_here_ = false;
}

// Of a request that was answered without a look at its body.
void H1Client::discard_body(base::Bytes& input) {
  while (true) {
    const H1Event event = parser_.next(input);
    if (event.kind == H1Event::Kind::end) return;
    CHECK(event.kind == H1Event::Kind::body);
  }
}

// What comes behind a complete request waits for its response: pipelining, or a tunnel's first
// bytes.
void H1Client::keep_leftover(base::Bytes input) {
  if (input.empty()) return;
  leftover_.insert(leftover_.end(), input.begin(), input.end());
  const uint64_t bytes_max = config().limits.pipelined_bytes_max;
  if (leftover_.size() >= bytes_max || environment_.memory.is_tight())
    pause(stream::Pause::pipelined);
}

void H1Client::on_read_end(net::ReadEnd /*end*/) {
  input_ended_ = true;
  if (state_ == State::tunnel) {
    take_early_tunnel_bytes();
    state_ = State::response;
    exchange_->on_request_end();
    exchange_->on_request_flush();
    return;
  }
  // A client that has shut its side is taken for gone: answers cost money.
  client_left();
}

void H1Client::client_left(observe::Outcome outcome) {
  if (state_ == State::closed) return;
  // on_client_left() ends in on_exchange_finished().
  if (exchange_ && state_ != State::finished) {
    after_ = After::cut;
    // Part of a response must not look like the whole.
    if (output_.bytes_sent() > 0) stream_->abort();
    if (state_ == State::head && !parser_.message_begun()) {
      exchange_->abandon();
    } else {
      exchange_->on_client_left(outcome);
    }
  }
  close();
}

void H1Client::on_drained() {
  write_blocked_ = false;
  switch (state_) {
    case State::body:
      await_body();
      [[fallthrough]];
    case State::response:
    case State::tunnel:
      exchange_->on_client_drained();
      break;
    case State::finished:
      environment_.loop.defer(next_request_);
      break;
    case State::idle:
    case State::head:
    case State::lingering:
    case State::breaking:
    case State::closed:
      break;
  }
}

void H1Client::on_write_error(base::Error /*error*/) {
  client_left();
}

void H1Client::on_error(base::Error /*error*/) {
  client_left();
}

// Sending.

bool H1Client::closes_after_response() const {
  const uint32_t requests_max = config().limits.requests_per_connection_max;
  return after_ != After::next_request || environment_.draining || !parser_.keep_alive() ||
         (requests_max != 0 && requests_ >= requests_max) ||
         // The rest of a request whose answer is known already is not worth waiting for.
         (state_ != State::response && !body_is_here_);
}

bool H1Client::knows_http_1_1() const {
  return exchange_->request_head().version_minor >= 1;
}

void H1Client::send_head(const http::Head& head, stream::Body body) {
  const bool is_final = head.status >= 200 || body.kind == stream::Body::Kind::tunnel;
  if (!is_final && !knows_http_1_1()) return;  // RFC 9110 15.2
  // An end that is not known beforehand shows in chunks, or to HTTP/1.0 in the connection's
  // (RFC 9112 6.3).
  const Framing framing = stream::framing_of(
      body, knows_http_1_1() ? Framing::Kind::chunked : Framing::Kind::until_close);
  http::ConnectionOption option = http::ConnectionOption::none;
  if (framing.kind == Framing::Kind::tunnel) {
    option = http::ConnectionOption::upgrade;
  } else if (is_final) {
    const bool offers_upgrade = head.find(http::FieldId::upgrade) != nullptr;
    if (framing.kind == Framing::Kind::until_close || closes_after_response()) {
      after_ = After::linger;
      option = offers_upgrade ? http::ConnectionOption::close_and_upgrade
                              : http::ConnectionOption::close;
    } else if (offers_upgrade) {
      option = http::ConnectionOption::upgrade;
    } else if (!knows_http_1_1()) {
      option = http::ConnectionOption::keep_alive;
    }
  }
  output_.head(
      http::write_response_head(head, framing, option, exchange_->arena()), framing, *stream_);
}

void H1Client::send_body(base::Bytes bytes) {
  output_.body(bytes, *stream_);
}

void H1Client::send_end(const std::vector<http::Field>& trailers) {
  output_.end(trailers, exchange_->arena(), *stream_);
}

net::Flow H1Client::flush() {
  const net::Flow flow = output_.flush(*stream_);
  if (flow == net::Flow::full && !write_blocked_) {
    write_blocked_ = true;
    // Who has to read first need not send.
    if (state_ == State::body) {
      deadline_.clear();
      body_pace_.stop();
    }
  }
  watch_writing();
  return flow;
}

void H1Client::start_tunnel() {
  parser_.switch_to_tunnel();
  output_.start_tunnel();
  state_ = State::tunnel;
  after_ = After::linger;
  deadline_.clear();
  // What the client sent behind its request belongs to the tunnel.
  if (!leftover_.empty()) environment_.loop.defer(next_request_);
}

void H1Client::reset() {
  after_ = After::break_off;
}

void H1Client::pause(stream::Pause reason) {
  pauses_.add(reason);
  stream_->set_reading(false);
  // The wait is ours now, not the client's.
  deadline_.clear();
  body_pace_.stop();
}

void H1Client::resume(stream::Pause reason) {
  if (!pauses_.remove(reason) || state_ == State::closed) return;
  stream_->set_reading(true);
  if (state_ == State::body && !write_blocked_) await_body();
}

// Every reason was the request's that is over, or its place before the next one: a reason left
// behind would be nobody's to take back.
void H1Client::forget_pauses() {
  pauses_.clear();
  stream_->set_reading(true);
}

// Between requests.

void H1Client::on_exchange_finished() {
  // An answer that came before the end of its request leaves the rest of it unread.
  const bool rest_unread = state_ != State::response && !body_is_here_;
  if (rest_unread && after_ == After::next_request) after_ = After::linger;
  state_ = State::finished;
  environment_.loop.defer(next_request_);
}

// At the end of the turn in which an exchange finished or a tunnel began.
void H1Client::next_request() {
  if (state_ == State::tunnel) take_early_tunnel_bytes();
  if (state_ != State::finished) return;
  exchange_.reset();
  sent_ms_ = environment_.loop.now_ms();
  if (after_ == After::linger) {
    linger();
    return;
  }
  if (after_ == After::break_off) {
    break_off();
    return;
  }
  if (after_ == After::cut) {
    close();
    return;
  }
  // The next answer waits until this one is nearly gone, or a client that pipelines and does not
  // read would make us hold all of them.
  if (write_blocked_) return;
  state_ = State::idle;
  forget_pauses();
  deadline_.set(environment_.draining ? drain_grace_ms : timeouts().keep_alive_ms);
  if (leftover_.empty()) return;
  const std::vector<std::byte> input = std::exchange(leftover_, {});
  parse(input);
}

// What came before the tunnel was open goes first.
void H1Client::take_early_tunnel_bytes() {
  if (leftover_.empty()) return;
  const std::vector<std::byte> input = std::exchange(leftover_, {});
  resume(stream::Pause::pipelined);
  parse(input);
}

void H1Client::drain() {
  if (state_ == State::idle) deadline_.set(drain_grace_ms);
}

size_t H1Client::held_bytes() const {
  return stream_->queued_bytes() + leftover_.capacity() + (exchange_ ? exchange_->held_bytes() : 0);
}

// Half a head is no request yet, and thousands of them would weigh as much as they like.
bool H1Client::must_refuse_head() const {
  return state_ == State::head && entrance().is_limited() && parser_.message_begun() &&
         environment_.memory.is_tight();
}

}  // namespace client
