// Joins a Session to its transport: who reads when, what leaves together, which end is which.
#include "tls/stream.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "base/check.h"
#include "base/log.h"
#include "net/address_format.h"
#include "tls/handshake_step.h"
#include "tls/server_context.h"
#include "tls/session.h"

namespace tls {
namespace {

// Hands out the bytes of several pieces in order.
class PieceReader {
 public:
  explicit PieceReader(std::span<const base::Bytes> pieces) : pieces_(pieces) {
    for (const base::Bytes piece : pieces)
      left_ += piece.size();
  }
  [[nodiscard]] size_t left() const { return left_; }
  void copy_to(std::span<std::byte> into) {
    left_ -= into.size();
    while (!into.empty()) {
      const base::Bytes piece = pieces_.front().subspan(offset_);
      const size_t count = std::min(piece.size(), into.size());
      if (count > 0) std::memcpy(into.data(), piece.data(), count);
      into = into.subspan(count);
      offset_ += count;
      if (count == piece.size()) {
        pieces_ = pieces_.subspan(1);
        offset_ = 0;
      }
    }
  }

 private:
  std::span<const base::Bytes> pieces_;
  size_t offset_ = 0;
  size_t left_ = 0;
};

}  // namespace

TlsStream::TlsStream(net::Loop& loop,
                     std::unique_ptr<net::ByteStream> transport,
                     Context& context,
                     std::unique_ptr<Session> session,
                     uint64_t handshake_timeout_ms)
    : loop_(loop),
      transport_(std::move(transport)),
      context_(context),
      session_(std::move(session)),
      handshake_deadline_(
          loop.timers(),
          this,
          [](void* self) { static_cast<TlsStream*>(self)->on_handshake_timeout(); }),
      deferred_(this, [](void* self) { static_cast<TlsStream*>(self)->on_deferred(); }),
      held_(loop.blocks()),
      handshake_timeout_ms_(handshake_timeout_ms) {
  transport_->set_listener(*this);
}

TlsStream::TlsStream(net::Loop& loop,
                     std::unique_ptr<net::ByteStream> transport,
                     TransportState transport_state,
                     ClientContext& context,
                     uint64_t handshake_timeout_ms)
    : TlsStream(loop,
                std::move(transport),
                context,
                std::make_unique<Session>(context),
                handshake_timeout_ms) {
  if (transport_state == TransportState::connected) loop_.defer(deferred_);
}

TlsStream::TlsStream(net::Loop& loop,
                     std::unique_ptr<net::ByteStream> transport,
                     ServerContext& context,
                     uint64_t handshake_timeout_ms)
    : TlsStream(loop,
                std::move(transport),
                context,
                std::make_unique<Session>(context),
                handshake_timeout_ms) {
  loop_.defer(deferred_);
}

TlsStream::TlsStream(net::Loop& loop,
                     std::unique_ptr<net::ByteStream> transport,
                     std::shared_ptr<ServerContext> context,
                     uint64_t handshake_timeout_ms)
    : TlsStream(loop, std::move(transport), *context, handshake_timeout_ms) {
  kept_ = std::move(context);
}

TlsStream::~TlsStream() {
  close();
}

bool TlsStream::resumed() const {
  return session_->resumed();
}

// Handshake.

void TlsStream::on_connected() {
  start_handshake();
}

void TlsStream::start_handshake() {
  state_ = State::handshaking;
  handshake_deadline_.set(handshake_timeout_ms_);
  advance_handshake({});
}

void TlsStream::advance_handshake(base::Bytes bytes) {
  auto step = std::make_unique<HandshakeStep>(*this, context_, std::move(session_), bytes);
  step_ = step.get();
  loop_.offload(std::move(step));
  update_transport_reading();
}

void TlsStream::finish_step(HandshakeStep& step) {
  step_ = nullptr;
  session_ = step.take_session();
  if (state_ != State::handshaking) return;  // failed meanwhile
  send_flight();
  if (step.status() == Session::Status::want_input) {
    update_transport_reading();
    return;
  }
  if (step.status() == Session::Status::failed) {
    fail(session_->error());
    return;
  }
  handshake_deadline_.clear();
  state_ = State::open;
  context_.count(session_->resumed() ? HandshakeEnd::resumed : HandshakeEnd::full);
  base::log_debug("TLS with {}: {}, {}",
                  transport_->peer(),
                  session_->version_text(),
                  session_->resumed() ? "session resumed" : "full handshake");
  if (!step.rest().empty()) {
    input_ = Input::held;
    held_.append(step.rest());
    loop_.defer(deferred_);
  }
  update_transport_reading();
  listener_->on_connected();
}

void TlsStream::abandon_step() {
  if (step_ != nullptr) step_->abandon();
  step_ = nullptr;
}

void TlsStream::on_handshake_timeout() {
  fail({base::Code::timeout, context_.side()});
}

// Reading.

void TlsStream::set_reading(bool reading) {
  reading_ = reading;
  const bool waiting = input_ == Input::held || input_ == Input::end_held;
  if (reading && waiting && state_ == State::open) loop_.defer(deferred_);
  update_transport_reading();
}

void TlsStream::update_transport_reading() {
  const bool wanted = (state_ == State::handshaking && step_ == nullptr) ||
                      (state_ == State::open && reading_ && input_ == Input::flowing);
  if (wanted == transport_reading_ || state_ == State::closed) return;
  transport_reading_ = wanted;
  transport_->set_reading(wanted);
}

void TlsStream::on_read(base::Bytes bytes) {
  if (state_ == State::handshaking) {
    advance_handshake(bytes);
    return;
  }
  if (state_ == State::open && reading_ && input_ == Input::flowing) receive(bytes);
  if (state_ == State::open && !bytes.empty() && input_ != Input::ended) {
    input_ = Input::held;
    held_.append(bytes);
  }
  update_transport_reading();
}

void TlsStream::receive(base::Bytes& bytes) {
  Session::Status status = Session::Status::plain_full;
  while (reading_ && status == Session::Status::plain_full) {
    const Session::Plain plain = session_->decrypt(bytes, loop_.plain_scratch());
    status = plain.status;
    send_flight();
    if (status == Session::Status::want_input) input_ = Input::flowing;
    if (status == Session::Status::plain_full) input_ = Input::held;
    if (status == Session::Status::closed) input_ = Input::end_held;
    if (plain.size > 0) {
      listener_->on_read(base::Bytes(loop_.plain_scratch()).first(plain.size));
      if (state_ != State::open) return;
    }
  }
  if (status == Session::Status::failed) fail(session_->error());
  if (status == Session::Status::closed) {
    bytes = {};
    if (reading_) end_input();
  }
}

void TlsStream::receive_held() {
  while (reading_ && input_ == Input::held) {
    base::Bytes piece;
    static_cast<void>(held_.front({&piece, 1}));  // none: mbedTLS alone may hold something
    base::Bytes rest = piece;
    receive(rest);
    if (state_ != State::open) return;
    if (input_ == Input::end_held || input_ == Input::ended) {
      held_.clear();
      break;
    }
    held_.drop(piece.size() - rest.size());
    if (!held_.empty()) input_ = Input::held;
  }
  if (reading_ && input_ == Input::end_held) end_input();
  update_transport_reading();
}

void TlsStream::end_input() {
  input_ = Input::ended;
  update_transport_reading();
  listener_->on_read_end(net::ReadEnd::clean);
}

void TlsStream::on_read_end(net::ReadEnd /*end*/) {
  if (state_ == State::handshaking) {
    fail({base::Code::tls, context_.side(), MBEDTLS_ERR_SSL_CONN_EOF});
  } else if (state_ == State::open && input_ == Input::flowing) {
    // No close_notify: anybody on the way may have cut it.
    input_ = Input::ended;
    listener_->on_read_end(net::ReadEnd::truncated);
  }
}

// Writing.

net::Flow TlsStream::write(std::span<const base::Bytes> pieces) {
  CHECK(state_ >= State::open);
  if (state_ != State::open || output_ == Output::ended) return net::Flow::go;
  // What the peer asked for is due now and not before (RFC 8446 4.6.3): an answer that nobody reads
  // any more would make the end of its connection a reset, which destroys what is on its way.
  if (session_->needs_keys() && !renew_keys()) return net::Flow::go;
  PieceReader reader(pieces);
  const std::span<std::byte> scratch(loop_.record_scratch());
  const size_t payload_max = session_->payload_max();
  net::Flow flow = net::Flow::go;
  size_t used = 0;
  const auto send = [&] {
    const base::Bytes records = scratch.first(used);
    flow = transport_->write({&records, 1});
    used = 0;
  };
  while (reader.left() > 0) {
    // Equal records rather than full ones and a tiny rest.
    const size_t count = (reader.left() + payload_max - 1) / payload_max;
    const size_t size = (reader.left() + count - 1) / count;
    if (scratch.size() - used < size + Session::record_overhead_max) send();
    reader.copy_to(session_->payload_area(scratch.subspan(used)).first(size));
    const size_t record_bytes = session_->encrypt(size);
    if (record_bytes == 0) {
      fail_later(session_->error());
      return net::Flow::go;
    }
    used += record_bytes;
  }
  if (used > 0) send();
  return flow;
}

bool TlsStream::renew_keys() {
  if (!session_->update_keys()) {
    fail_later(session_->error());
    return false;
  }
  send_flight();
  return true;
}

void TlsStream::send_flight() {
  std::vector<std::byte>& flight = session_->flight();
  if (flight.empty()) return;
  const base::Bytes bytes = flight;
  // `full` cannot be passed on from here; the peer cannot make this much (see Session).
  (void)transport_->write({&bytes, 1});
  std::vector<std::byte>().swap(flight);  // seldom needed again: give its memory back
}

void TlsStream::shutdown_write() {
  if (output_ == Output::ended || state_ > State::open) return;
  output_ = Output::ended;
  if (state_ == State::open) {
    session_->close_notify();
    send_flight();
  }
  transport_->shutdown_write();
}

void TlsStream::on_drained() {
  if (state_ == State::open) listener_->on_drained();
}

void TlsStream::on_write_error(base::Error error) {
  if (state_ == State::handshaking) {
    fail(error);
  } else if (state_ == State::open) {
    output_ = Output::ended;
    listener_->on_write_error(error);
  }
}

// Ends.

void TlsStream::on_error(base::Error error) {
  fail(error);
}

void TlsStream::fail_later(base::Error error) {
  state_ = State::failing;
  error_ = error;
  loop_.defer(deferred_);
}

void TlsStream::fail(base::Error error) {
  if (state_ >= State::failed) return;
  const bool in_handshake = state_ == State::handshaking;
  if (in_handshake) context_.count(HandshakeEnd::failed);
  const std::string why = session_ != nullptr ? session_->failure_text() : "";
  // Anybody can make a listener's handshakes fail: those are only counted. In TLS 1.3 an upstream
  // says what it misses when the handshake is over for us.
  if (!why.empty() && context_.side() == base::Side::upstream) {
    context_.log_failure(fmt::format("{} {} failed: {}",
                                     in_handshake ? "handshake with" : "connection to",
                                     context_.name(),
                                     why),
                         loop_.now_ms());
  }
  if (in_handshake) {
    base::log_debug("TLS with {}: the handshake failed: {}",
                    transport_->peer(),
                    why.empty() ? base::code_name(error.code) : std::string_view(why));
  }
  state_ = State::failed;
  handshake_deadline_.clear();
  update_transport_reading();
  listener_->on_error(error);
}

void TlsStream::on_deferred() {
  if (state_ == State::connecting) {
    start_handshake();
  } else if (state_ == State::failing) {
    fail(error_);
  } else if (state_ == State::open) {
    receive_held();
  }
}

void TlsStream::abort() {
  transport_->abort();
  close();
}

void TlsStream::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  handshake_deadline_.clear();
  abandon_step();
  deferred_.unlink();
  held_.clear();
  transport_->close();
}

}  // namespace tls
