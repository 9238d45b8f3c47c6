// How a client's connection ends: so that nothing it was sent is lost, and nothing that broke off
// looks whole.
#include <memory>

#include "base/log.h"
#include "client/h1_client.h"
#include "net/address_format.h"
#include "proxy/exchange.h"

namespace client {

using http::Framing;

// Closing with unread input would make the kernel send RST, and the client might lose our answer:
// end our side, then read until the client has ended its own.
void H1Client::linger() {
  state_ = State::lingering;
  deadline_.set(linger_silence_ms);
  leftover_ = {};
  stream_->shutdown_write();
  forget_pauses();
  // A tunnel's client has said its last already.
  if (input_ended_ && stream_->queued_bytes() == 0) close();
}

// Where length or chunks show that the rest is missing, an end in good order does. Where only the
// connection's end delimits the response, that end must be a reset, which destroys what is still on
// its way: it waits until the client's side has everything.
void H1Client::break_off() {
  const Framing::Kind framing = output_.framing().kind;
  if (framing != Framing::Kind::until_close && framing != Framing::Kind::tunnel) {
    linger();
    return;
  }
  state_ = State::breaking;
  leftover_ = {};
  forget_pauses();
  unconfirmed_ = SIZE_MAX;
  await_delivery();
}

void H1Client::await_delivery() {
  const size_t unconfirmed = stream_->unconfirmed_bytes();
  const uint64_t now_ms = environment_.loop.now_ms();
  if (unconfirmed < unconfirmed_) sent_ms_ = now_ms;
  unconfirmed_ = unconfirmed;
  if (unconfirmed == 0 || now_ms - sent_ms_ >= timeouts().response_write_silence_ms) {
    close();
  } else {
    deadline_.set(delivery_look_ms);
  }
}

void H1Client::close() {
  if (state_ == State::closed) return;
  // What is still queued is lost, so no clean end behind it.
  const bool is_clean = stream_->queued_bytes() == 0 && state_ != State::breaking;
  base::log_debug("client {}: connection closed after {} requests", client(), requests_);
  state_ = State::closed;
  deadline_.clear();
  write_deadline_.clear();
  bound_.for_each([](stream::UpstreamStream& stream) { stream.end_waiting(); });
  if (is_clean && entrance().is_https) stream_->shutdown_write();  // close_notify
  is_clean ? stream_->close() : stream_->abort();
  environment_.metrics.client_connections_open.subtract();
  unlink();
  environment_.loop.bury(std::unique_ptr<net::Buried>(this));
  clients_.on_closed(*this);
}

}  // namespace client
