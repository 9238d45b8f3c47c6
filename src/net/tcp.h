#pragma once

// Tcp: a ByteStream over a connected stream socket, TCP or unix. Who connects it: connect_race.h.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "base/out_queue.h"
#include "base/result.h"
#include "net/address.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/reachability.h"
#include "net/uv_loop.h"

namespace net {

class ConnectRace;
class OwnAddresses;
class Resolver;
class UnixConnect;
struct TcpCell;
struct TcpCellCloser;
using TcpCellOwner = std::unique_ptr<TcpCell, TcpCellCloser>;

// Where to connect to. `host` is a name or a literal address without brackets; copied.
struct ConnectTarget {
  std::string_view host;
  uint16_t port = 0;
  uint64_t timeout_ms = 5000;         // for lookup and all attempts together
  UnreachableMs unreachable_ms = 0;   // once connected
  const OwnAddresses* own = nullptr;  // not to be connected to; outlives the connecting
};

// Resource; its owner is whoever made it. May be destroyed at any time, also from within a callback
// of its own. The loop's thread.
class Tcp final : public ByteStream {
 public:
  // Takes over a connected stream socket, with TCP_NODELAY and a bound on unsent bytes on. `side`
  // stands in the errors it reports. Reads nothing until set_listener() and set_reading(true). Once
  // what was sent has not been acknowledged for `unreachable_ms`, the listener hears
  // on_error(unreachable), also while it does not read; a silent connection is the kernel's to
  // probe (set_probes()). The error is `io`.
  [[nodiscard]] static base::Result<std::unique_ptr<Tcp>> open(UvLoop& loop,
                                                               base::Fd socket,
                                                               const Address& peer,
                                                               base::Side side,
                                                               UnreachableMs unreachable_ms = 0);

  // Starts connecting: looks the name up, races its addresses (RFC 8305). The listener hears either
  // on_connected() or on_error({dns | connect | timeout | loop, upstream, raw}), never from within
  // this call. With `unreachable_ms` it is watched as an open() one, and probed.
  [[nodiscard]] static std::unique_ptr<Tcp> connect(UvLoop& loop,
                                                    Resolver& resolver,
                                                    const ConnectTarget& target,
                                                    ByteStreamListener& listener);
  // The same to a unix socket; `path` fits a sockaddr_un.
  [[nodiscard]] static std::unique_ptr<Tcp> connect_unix(UvLoop& loop,
                                                         std::string_view path,
                                                         uint64_t timeout_ms,
                                                         ByteStreamListener& listener);

  ~Tcp() override;
  Tcp(const Tcp&) = delete;
  Tcp& operator=(const Tcp&) = delete;
  Tcp(Tcp&&) = delete;
  Tcp& operator=(Tcp&&) = delete;

  void set_listener(ByteStreamListener& listener) override { listener_ = &listener; }
  Flow write(std::span<const base::Bytes> pieces) override;
  // Before on_connected() it takes effect with it.
  void set_reading(bool reading) override;
  void shutdown_write() override;
  void close() override;
  void abort() override;
  void set_unreachable(UnreachableMs unreachable_ms) override;
  [[nodiscard]] size_t queued_bytes() const override { return queue_.size(); }
  [[nodiscard]] bool is_full() const override { return full_; }
  [[nodiscard]] size_t unconfirmed_bytes() const override;
  [[nodiscard]] uint64_t sent_bytes() const override { return sent_bytes_; }
  // Known only where the other end had ended its half first, and then reset what came: its FIN
  // confirmed all it had taken.
  [[nodiscard]] bool has_refused_since(uint64_t mark) override;

  [[nodiscard]] const Address& peer() const override { return peer_; }

 private:
  friend class ConnectRace;
  friend class UnixConnect;
  enum class State : uint8_t { connecting, open, failed, closed };
  enum class ReadHalf : uint8_t { off, on, ended };
  enum class WriteHalf : uint8_t { open, ending, ended, failed };

  Tcp(UvLoop& loop, base::Side side, UnreachableMs unreachable_ms);

  // From who connects it, at most one of the two, and nothing after.
  void connected(TcpCellOwner cell, const Address& peer);
  void connect_failed(base::Error error);
  void adopt(TcpCellOwner cell, const Address& peer);

  void start_reading();
  void watch_burst(ptrdiff_t count, size_t room);
  void on_socket_read(ptrdiff_t count);
  [[nodiscard]] int socket() const;
  [[nodiscard]] int pending_error();
  size_t try_write(std::span<const base::Bytes> pieces);
  void write_queue();
  void on_queue_written(int status);
  void fail_writing(int raw);
  void tell_write_error();
  void finish_writing();
  [[nodiscard]] std::span<std::byte> read_area() const;
  void watch_delivery();
  void on_check();
  [[nodiscard]] base::Error error_of(int raw) const;

  UvLoop& loop_;
  ByteStreamListener* listener_ = nullptr;
  TcpCell* cell_ = nullptr;             // freed by its close callback
  std::unique_ptr<Buried> connecting_;  // a ConnectRace or UnixConnect
  base::OutQueue queue_;
  Deferred write_error_;
  Deadline check_;                  // of what was sent
  uint64_t awaiting_since_ms_ = 0;  // an acknowledgement, at the latest
  Address peer_;
  uint64_t sent_bytes_ = 0;
  uint32_t burst_bytes_ = 0;       // read in full buffers since others had their turn
  uint32_t unhindered_bytes_ = 0;  // read since who takes them last let us wait, up to a bound
  uint32_t stopped_ms_ = 0;        // when reading was turned off; the lower half of the time
  uint32_t in_flight_bytes_ = 0;   // of the queue's front, in the one uv_write
  UnreachableMs unreachable_ms_;
  int write_error_raw_ = 0;
  State state_ = State::connecting;
  ReadHalf read_half_ = ReadHalf::off;
  WriteHalf write_half_ = WriteHalf::open;
  base::Side side_;
  bool full_ = false;                // said `full`, on_drained() is due
  bool ended_before_reset_ = false;  // the other end's FIN had come when its reset did
};

}  // namespace net
