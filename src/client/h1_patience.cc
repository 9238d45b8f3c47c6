// How long a client is waited for: its heads, its bodies, its reading.
#include "client/h1_client.h"
#include "proxy/exchange.h"

namespace client {

void H1Client::await_body() {
  if (!pauses_.empty() || write_blocked_) return;
  deadline_.set(timeouts().request_body_silence_ms);
  body_pace_.begin(environment_.loop.now_ms());
}

bool H1Client::body_too_slow() {
  const config::Timeouts& limits = timeouts();
  return body_pace_.ends_too_slow(
      environment_.loop.now_ms(), limits.request_body_silence_ms, limits.request_body_rate_min);
}

void H1Client::watch_writing() {
  if (write_deadline_.is_set() || stream_->queued_bytes() == 0) return;
  reading_pace_.begin(stream_->queued_bytes(), output_.bytes_sent());
  write_deadline_.set(timeouts().response_write_silence_ms);
}

void H1Client::on_write_deadline() {
  const uint64_t queued = stream_->queued_bytes();
  if (queued == 0 || state_ == State::closed) return;
  const config::Timeouts& limits = timeouts();
  const uint64_t wanted = limits.response_write_rate_min * limits.response_write_silence_ms / 1000;
  if (!reading_pace_.is_too_slow(queued, output_.bytes_sent(), wanted)) {
    watch_writing();
    return;
  }
  environment_.metrics.clients_too_slow.add();
  client_left();
}

void H1Client::on_deadline() {
  switch (state_) {
    case State::head:
      if (!parser_.message_begun()) {
        client_left();
        break;
      }
      environment_.metrics.clients_too_slow.add();
      after_ = After::linger;
      exchange_->on_request_refused({408, "the request head did not arrive in time"});
      exchange_->on_request_flush();
      break;
    case State::body:
      environment_.metrics.clients_too_slow.add();
      after_ = After::linger;
      exchange_->on_request_refused({408, "the request body stopped arriving"});
      exchange_->on_request_flush();
      break;
    case State::breaking:
      await_delivery();
      break;
    case State::idle:
    case State::lingering:
      if (still_sending()) {
        deadline_.set(linger_silence_ms);
      } else {
        close();
      }
      break;
    case State::response:
    case State::tunnel:
    case State::finished:
    case State::closed:
      break;
  }
}

// The end of the last response waits for a slow reader: too little for backpressure, too much to
// throw away. The write deadline has its eye on it.
bool H1Client::still_sending() const {
  return stream_->queued_bytes() > 0;
}

}  // namespace client
