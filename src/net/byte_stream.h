#pragma once

// The seam between a connection and its transport: TCP, TLS over it, or memory in tests.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "net/address.h"
#include "net/reachability.h"

namespace net {

// A sink has always taken all it was given; `full` asks the source to stop until on_drained().
enum class [[nodiscard]] Flow : uint8_t{go, full};

// How the incoming half ended. On TLS a FIN without close_notify is `truncated`: what only the end
// of the connection delimits must then count as incomplete.
enum class ReadEnd : uint8_t { clean, truncated };

// Called on the loop's thread, never from within a call into the stream.
class ByteStreamListener {
 public:
  // Ready for bytes: connected, and the TLS handshake done where there is one. Once; not called for
  // an accepted plain connection, which is ready from the start.
  virtual void on_connected() = 0;
  // `bytes` are borrowed for this call. May be called several times a loop turn.
  virtual void on_read(base::Bytes bytes) = 0;
  // No more bytes will come. The write half may still be open.
  virtual void on_read_end(ReadEnd end) = 0;
  // After write() said `full`: the queue has fallen to half of what it may hold, or to nothing
  // where that is little.
  virtual void on_drained() = 0;
  // The write half is dead: what is queued is lost and write() discards from now on. Reading goes
  // on, so that a reply sent before the peer closed is not lost.
  virtual void on_write_error(base::Error error) = 0;
  // The connection is dead (not connected in time, reset, TLS failure). Only close() remains.
  virtual void on_error(base::Error error) = 0;

 protected:
  ~ByteStreamListener() = default;
};

// Resource, one owner. All calls on its loop's thread. Destroying one closes it.
class ByteStream {
 public:
  // What a queue may hold before it is `full`; less where all of a loop's queues hold much, or
  // where memory is tight (Loop::queue_bytes_max()).
  static constexpr size_t queue_bytes_high = 128 * 1024;

  ByteStream() = default;
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  ByteStream(ByteStream&&) = delete;
  ByteStream& operator=(ByteStream&&) = delete;

  // Who hears of events from now on. Must outlive the stream or be replaced.
  virtual void set_listener(ByteStreamListener& listener) = 0;

  // Takes all of `pieces` in order: sends at once what the kernel takes, copies the rest into its
  // queue. Call only once connected. Never calls the listener. After shutdown_write(), close() or
  // an error it discards.
  virtual Flow write(std::span<const base::Bytes> pieces) = 0;

  // Whether on_read() and on_read_end() may be called; off at first. Errors of the read half are
  // not seen while off, so never turn it off without a deadline running.
  virtual void set_reading(bool reading) = 0;

  // Ends the outgoing half once the queue is empty: close_notify where there is TLS, then FIN.
  virtual void shutdown_write() = 0;

  // Drops the queue and ends both halves now. No callback arrives after this returns. Idempotent.
  virtual void close() = 0;

  // As close(), but the other end sees a reset, never a clean end: for a message cut short where
  // only the end of the connection would delimit it.
  virtual void abort() = 0;

  // How long the other machine may acknowledge nothing from now on, where that is watched at all
  // (reachability.h). Costs nothing where it is so already.
  virtual void set_unreachable(UnreachableMs /*unreachable_ms*/) {}

  // The other end; "none" for a unix socket and until on_connected().
  [[nodiscard]] virtual const Address& peer() const = 0;

  // Bytes waiting in the queue.
  [[nodiscard]] virtual size_t queued_bytes() const = 0;

  // Whether write() has said `full` and on_drained() is still due.
  [[nodiscard]] virtual bool is_full() const = 0;

  // Bytes that the other end has not confirmed: those in the queue and those in the kernel. May
  // cost a system call.
  [[nodiscard]] virtual size_t unconfirmed_bytes() const = 0;

  // How many bytes the kernel has taken so far, with what TLS adds.
  [[nodiscard]] virtual uint64_t sent_bytes() const = 0;

  // Whether the other end is known to have taken nothing of what was sent since sent_bytes() was
  // `mark`. To be asked once the connection has ended or failed; false where that cannot be told.
  [[nodiscard]] virtual bool has_refused_since(uint64_t mark) = 0;
};

}  // namespace net
