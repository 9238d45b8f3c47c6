#pragma once

// TlsStream: a ByteStream whose bytes travel encrypted over another ByteStream.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/out_queue.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "tls/context.h"

namespace tls {

class HandshakeStep;
class ServerContext;
class Session;

// Whether the transport still has to report on_connected().
enum class TransportState : uint8_t { connecting, connected };

// Resource, one owner, on its loop's thread; owns its transport. Follows net::ByteStream's
// contract, in particular:
// - A handshake's steps run on another thread (net::Loop::offload): the loop never waits for them.
// - The handshake starts when the transport is connected and goes on whether or not set_reading()
//   is on. on_connected() comes after it. Without it in time: on_error(timeout).
// - One on_read() per read of the transport, all its records together (a second one only where they
//   exceed 64 KiB). After set_reading(false) within on_read(), what is left of that read stays
//   encrypted in here (at most one read, 64 KiB, and one record) until set_reading(true), which
//   delivers it at the end of the turn.
// - The peer's close_notify is on_read_end(clean); a FIN without one is on_read_end(truncated).
// - Session tickets are kept for resumption and never seen by the listener; renegotiation is
//   refused; key updates (RFC 8446 4.6.3) are followed and answered.
// - Errors: on_error() with Code::certificate (raw = verify flags; the log has the details), with
//   Code::tls (raw = mbedTLS error), with Code::timeout, or the transport's own. The alert that
//   says why has been sent before.
// - write() packs small pieces into one record, and all records of a call into one write of the
//   transport where they fit 80 KiB. close() sends no close_notify, shutdown_write() does.
class TlsStream final : public net::ByteStream, private net::ByteStreamListener {
 public:
  // A client's stream over `transport`, whose listener it becomes. `loop` and `context` outlive it.
  // `handshake_timeout_ms` counts from the transport's being connected.
  TlsStream(net::Loop& loop,
            std::unique_ptr<net::ByteStream> transport,
            TransportState transport_state,
            ClientContext& context,
            uint64_t handshake_timeout_ms);
  // A server's stream over an accepted connection.
  TlsStream(net::Loop& loop,
            std::unique_ptr<net::ByteStream> transport,
            ServerContext& context,
            uint64_t handshake_timeout_ms);
  // The same, where the context may be replaced while its streams live on.
  TlsStream(net::Loop& loop,
            std::unique_ptr<net::ByteStream> transport,
            std::shared_ptr<ServerContext> context,
            uint64_t handshake_timeout_ms);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  TlsStream(TlsStream&&) = delete;
  TlsStream& operator=(TlsStream&&) = delete;

  void set_listener(net::ByteStreamListener& listener) override { listener_ = &listener; }
  net::Flow write(std::span<const base::Bytes> pieces) override;
  // Before on_connected() it takes effect with it.
  void set_reading(bool reading) override;
  void shutdown_write() override;
  void close() override;
  void abort() override;
  void set_unreachable(net::UnreachableMs unreachable_ms) override {
    transport_->set_unreachable(unreachable_ms);
  }
  [[nodiscard]] const net::Address& peer() const override { return transport_->peer(); }
  [[nodiscard]] size_t queued_bytes() const override { return transport_->queued_bytes(); }
  [[nodiscard]] bool is_full() const override { return transport_->is_full(); }
  [[nodiscard]] size_t unconfirmed_bytes() const override {
    return transport_->unconfirmed_bytes();
  }
  [[nodiscard]] uint64_t sent_bytes() const override { return transport_->sent_bytes(); }
  [[nodiscard]] bool has_refused_since(uint64_t mark) override {
    return transport_->has_refused_since(mark);
  }

  // For HandshakeStep: the session comes back.
  void finish_step(HandshakeStep& step);

  // After on_connected(): whether a session was resumed (no certificate was checked anew).
  [[nodiscard]] bool resumed() const;

 private:
  TlsStream(net::Loop& loop,
            std::unique_ptr<net::ByteStream> transport,
            Context& context,
            std::unique_ptr<Session> session,
            uint64_t handshake_timeout_ms);

  enum class State : uint8_t { connecting, handshaking, open, failing, failed, closed };
  // The incoming half of an open stream.
  enum class Input : uint8_t {
    flowing,   // the transport reads when the listener does
    held,      // the listener stopped in the middle of a read: the rest is in held_ and session_
    end_held,  // the same, with nothing left but the end
    ended,     // the listener knows
  };
  enum class Output : uint8_t { open, ended };

  void on_connected() override;
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override;
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  void start_handshake();
  void advance_handshake(base::Bytes bytes);
  void abandon_step();
  void receive(base::Bytes& bytes);
  void receive_held();
  void end_input();
  void update_transport_reading();
  void send_flight();
  // Takes new keys for writing. False: failed.
  [[nodiscard]] bool renew_keys();
  void fail(base::Error error);
  void fail_later(base::Error error);
  void on_deferred();
  void on_handshake_timeout();

  std::shared_ptr<ServerContext> kept_;  // dies last; null where the context outlives us
  net::Loop& loop_;
  std::unique_ptr<net::ByteStream> transport_;
  Context& context_;
  net::ByteStreamListener* listener_ = nullptr;
  std::unique_ptr<Session> session_;  // null while step_ has it
  HandshakeStep* step_ = nullptr;
  net::Deadline handshake_deadline_;
  net::Deferred deferred_;
  base::OutQueue held_;  // ciphertext, see Input::held
  uint64_t handshake_timeout_ms_;
  base::Error error_;  // what a failing stream is going to report
  State state_ = State::connecting;
  Input input_ = Input::flowing;
  Output output_ = Output::open;
  bool reading_ = false;            // what the listener wants
  bool transport_reading_ = false;  // what the transport does
};

}  // namespace tls
