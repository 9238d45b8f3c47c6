#include "net/tcp.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "net/connect_race.h"
#include "net/delivery.h"
#include "net/tcp_cell.h"
#include "net/unix_connect.h"

namespace net {
namespace {

// libuv keeps this many iovecs of a request without allocating.
constexpr size_t pieces_per_write = 4;
// On the stack, so a head with a read event's chunks leaves in one system call.
constexpr size_t pieces_per_try = 32;
// What the kernel takes for a peer that does not read, beyond what is on its way. Without this it
// is up to megabytes, which cost memory for as long as the connection lasts and, in a window of a
// few hundred bytes, milliseconds of a turn.
constexpr int unsent_bytes_max = 512 * 1024;
// How often within `unreachable_ms` what was sent is looked at.
constexpr uint32_t checks_until_unreachable = 3;
// Who takes what we read is fast once it took this much without letting us wait longer than that.
// More than kernels hold for one that takes nothing.
constexpr uint32_t fast_bytes_min = 4 << 20;
constexpr uint32_t fast_wait_ms_max = 50;

uv_buf_t buffer_of(base::Bytes bytes) {
  // libuv's type serves reading too; for writing it does not touch the bytes.
  return {const_cast<char*>(reinterpret_cast<const char*>(bytes.data())), bytes.size()};
}

size_t total_of(std::span<const base::Bytes> pieces) {
  size_t total = 0;
  for (const base::Bytes piece : pieces)
    total += piece.size();
  return total;
}

void set_tcp_options(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // events are small writes
  setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof unsent_bytes_max);
}

}  // namespace

Tcp::Tcp(UvLoop& loop, base::Side side, UnreachableMs unreachable_ms)
    : loop_(loop),
      queue_(loop.blocks()),
      write_error_(this, [](void* self) { static_cast<Tcp*>(self)->tell_write_error(); }),
      check_(loop.timers(), this, [](void* self) { static_cast<Tcp*>(self)->on_check(); }),
      unreachable_ms_(unreachable_ms),
      side_(side) {}

Tcp::~Tcp() {
  close();
}

base::Result<std::unique_ptr<Tcp>> Tcp::open(UvLoop& loop,
                                             base::Fd socket,
                                             const Address& peer,
                                             base::Side side,
                                             UnreachableMs unreachable_ms) {
  TcpCellOwner cell(new TcpCell(loop.uv()));
  const int error = uv_tcp_open(&cell->handle, socket.get());
  if (error != 0) return base::Error{base::Code::io, side, error};
  static_cast<void>(socket.release());
  std::unique_ptr<Tcp> tcp(new Tcp(loop, side, unreachable_ms));
  tcp->adopt(std::move(cell), peer);
  return tcp;
}

std::unique_ptr<Tcp> Tcp::connect(UvLoop& loop,
                                  Resolver& resolver,
                                  const ConnectTarget& target,
                                  ByteStreamListener& listener) {
  std::unique_ptr<Tcp> tcp(new Tcp(loop, base::Side::upstream, target.unreachable_ms));
  tcp->listener_ = &listener;
  tcp->connecting_ = std::make_unique<ConnectRace>(*tcp, loop, resolver, target);
  return tcp;
}

std::unique_ptr<Tcp> Tcp::connect_unix(UvLoop& loop,
                                       std::string_view path,
                                       uint64_t timeout_ms,
                                       ByteStreamListener& listener) {
  std::unique_ptr<Tcp> tcp(new Tcp(loop, base::Side::upstream, 0));
  tcp->listener_ = &listener;
  tcp->connecting_ = std::make_unique<UnixConnect>(*tcp, loop, path, timeout_ms);
  return tcp;
}

void Tcp::adopt(TcpCellOwner cell, const Address& peer) {
  cell->owner = this;
  cell_ = cell.release();
  if (!peer.is_none()) set_tcp_options(socket());  // no unix socket
  peer_ = peer;
  state_ = State::open;
}

void Tcp::connected(TcpCellOwner cell, const Address& peer) {
  adopt(std::move(cell), peer);
  if (unreachable_ms_ != 0 && !peer.is_none()) set_probes(socket(), unreachable_ms_);
  loop_.bury(std::move(connecting_));
  if (read_half_ == ReadHalf::on) start_reading();
  listener_->on_connected();
}

void Tcp::connect_failed(base::Error error) {
  state_ = State::failed;
  loop_.bury(std::move(connecting_));
  listener_->on_error(error);
}

void Tcp::set_reading(bool reading) {
  if (read_half_ == ReadHalf::ended || state_ == State::failed || state_ == State::closed) return;
  const ReadHalf wanted = reading ? ReadHalf::on : ReadHalf::off;
  if (std::exchange(read_half_, wanted) == wanted || state_ == State::connecting) return;
  const auto now_ms = static_cast<uint32_t>(loop_.now_ms());
  if (reading) {
    if (now_ms - stopped_ms_ > fast_wait_ms_max) unhindered_bytes_ = 0;
    start_reading();
  } else {
    stopped_ms_ = now_ms;
    uv_read_stop(cell_->stream());
  }
}

void Tcp::start_reading() {
  burst_bytes_ = 0;
  // Only a closing or unconnected stream refuses.
  CHECK(uv_read_start(
            cell_->stream(),
            [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
              const TcpCell& cell = TcpCell::of(reinterpret_cast<uv_stream_t*>(handle));
              const auto* tcp = static_cast<const Tcp*>(cell.owner);
              // libuv would fill 32 buffers in a row. None ends it; the rest is read in the next
              // turn.
              if (tcp == nullptr || tcp->burst_bytes_ >= tcp->loop_.read_burst_bytes()) return;
              // Read and handed on before anyone else gets a turn, so one area serves all. Larger
              // than most reads: libuv takes a buffer that was not filled as "nothing more" and
              // saves the read that would only say EAGAIN.
              const auto area = tcp->read_area();
              *buffer = {reinterpret_cast<char*>(area.data()), area.size()};
            },
            [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
              const TcpCell& cell = TcpCell::of(stream);
              if (cell.owner == nullptr) return;
              auto* tcp = static_cast<Tcp*>(cell.owner);
              tcp->watch_burst(count, buffer->len);
              const bool refused = count == UV_ENOBUFS && buffer->base == nullptr;
              if (count != 0 && !refused) tcp->on_socket_read(count);  // 0 is EAGAIN
            }) == 0);
}

// Small for a slow side, where many of them share the room that all queues have: what it does not
// take at once has to be kept.
std::span<std::byte> Tcp::read_area() const {
  return loop_.read_area(unhindered_bytes_ < fast_bytes_min ? Loop::Taker::slow
                                                            : Loop::Taker::fast);
}

// After a read of `count` bytes, or what libuv says instead, into `room` of them.
void Tcp::watch_burst(ptrdiff_t count, size_t room) {
  if (count <= 0 || static_cast<size_t>(count) < room) {
    burst_bytes_ = 0;
    return;
  }
  if (burst_bytes_ == 0) loop_.count_plenty();
  burst_bytes_ += static_cast<uint32_t>(room);
}

void Tcp::on_socket_read(ptrdiff_t count) {
  if (count > 0) {
    if (unhindered_bytes_ < fast_bytes_min) unhindered_bytes_ += static_cast<uint32_t>(count);
    listener_->on_read(base::Bytes{loop_.read_scratch().data(), static_cast<size_t>(count)});
    return;
  }
  read_half_ = ReadHalf::ended;
  const int raw = count == UV_EOF ? pending_error() : static_cast<int>(count);
  if (raw == 0) {
    listener_->on_read_end(ReadEnd::clean);
    return;
  }
  state_ = State::failed;
  listener_->on_error(error_of(raw));
}

// -1 where there is none.
int Tcp::socket() const {
  uv_os_fd_t socket = -1;
  if (cell_ == nullptr) return -1;
  return uv_fileno(reinterpret_cast<uv_handle_t*>(&cell_->handle), &socket) == 0 ? socket : -1;
}

// libuv takes a hang-up behind the last bytes for the end of input without reading on, also where
// it is a reset. EPIPE: the end had come before the reset. Returns a uv code, 0 for none.
int Tcp::pending_error() {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return 0;
  if (error == EPIPE) {
    ended_before_reset_ = true;
    return 0;
  }
  return uv_translate_sys_error(error);
}

size_t Tcp::unconfirmed_bytes() const {
  return state_ == State::open ? queue_.size() + unacknowledged_bytes(socket()) : 0;
}

bool Tcp::has_refused_since(uint64_t mark) {
  if (sent_bytes_ == mark) return true;
  if (cell_ == nullptr) return false;
  static_cast<void>(pending_error());
  return ended_before_reset_ && is_over_with_at_most(socket(), mark);
}

Flow Tcp::write(std::span<const base::Bytes> pieces) {
  CHECK(state_ != State::connecting);
  if (state_ != State::open || write_half_ != WriteHalf::open) return Flow::go;
  size_t sent = 0;
  if (queue_.empty()) {
    sent = try_write(pieces);
    if (write_half_ == WriteHalf::failed) return Flow::go;
  }
  watch_delivery();
  const bool idle = queue_.empty();
  for (const base::Bytes piece : pieces) {
    const size_t skipped = std::min(sent, piece.size());
    sent -= skipped;
    queue_.append(piece.subspan(skipped));
  }
  if (idle && !queue_.empty()) write_queue();
  if (!queue_.empty() && !full_) full_ = queue_.size() > loop_.queue_bytes_max();
  return full_ ? Flow::full : Flow::go;
}

// Returns how many of the bytes the kernel took.
size_t Tcp::try_write(std::span<const base::Bytes> pieces) {
  size_t sent = 0;
  while (!pieces.empty()) {
    std::array<uv_buf_t, pieces_per_try> buffers;
    const size_t count = std::min(pieces.size(), buffers.size());
    const std::span<const base::Bytes> now = pieces.first(count);
    pieces = pieces.subspan(count);
    const size_t wanted = total_of(now);
    if (wanted == 0) continue;
    std::transform(now.begin(), now.end(), buffers.begin(), buffer_of);
    const int result = uv_try_write(cell_->stream(), buffers.data(), static_cast<unsigned>(count));
    if (result == UV_EAGAIN) break;
    if (result < 0) {
      fail_writing(result);
      break;
    }
    sent += static_cast<size_t>(result);
    if (static_cast<size_t>(result) < wanted) break;
  }
  sent_bytes_ += sent;
  return sent;
}

void Tcp::write_queue() {
  std::array<base::Bytes, pieces_per_write> pieces;
  const size_t count = queue_.front(pieces);
  const std::span<const base::Bytes> now{pieces.data(), count};
  std::array<uv_buf_t, pieces_per_write> buffers;
  std::transform(now.begin(), now.end(), buffers.begin(), buffer_of);
  in_flight_bytes_ = static_cast<uint32_t>(total_of(now));
  sent_bytes_ += in_flight_bytes_;  // some of it may be gone at once
  if (cell_->write == nullptr) cell_->write = std::make_unique<uv_write_t>();
  const int error = uv_write(cell_->write.get(),
                             cell_->stream(),
                             buffers.data(),
                             static_cast<unsigned>(count),
                             [](uv_write_t* request, int status) {
                               const TcpCell& cell = TcpCell::of(request->handle);
                               if (cell.owner == nullptr) return;
                               static_cast<Tcp*>(cell.owner)->on_queue_written(status);
                             });
  if (error != 0) fail_writing(error);
}

void Tcp::on_queue_written(int status) {
  if (state_ != State::open) return;  // on_error() was the last that is heard
  if (status != 0) {
    fail_writing(status);
    return;
  }
  queue_.drop(in_flight_bytes_);
  if (!queue_.empty()) {
    write_queue();
  } else if (write_half_ == WriteHalf::ending) {
    finish_writing();
  }
  if (!full_ || write_half_ == WriteHalf::failed) return;
  if (!queue_.empty() && queue_.size() > loop_.queue_bytes_drained()) return;
  full_ = false;
  listener_->on_drained();
}

void Tcp::fail_writing(int raw) {
  write_half_ = WriteHalf::failed;
  write_error_raw_ = raw;
  // After a reset that came alone the kernel says ECONNRESET.
  ended_before_reset_ = ended_before_reset_ || raw == UV_EPIPE;
  full_ = false;
  queue_.clear();
  loop_.defer(write_error_);
}

void Tcp::tell_write_error() {
  // A dead connection is told once, by on_error().
  if (state_ == State::open) listener_->on_write_error(error_of(write_error_raw_));
}

void Tcp::shutdown_write() {
  if (state_ != State::open || write_half_ != WriteHalf::open) return;
  write_half_ = WriteHalf::ending;
  if (queue_.empty()) finish_writing();
}

void Tcp::finish_writing() {
  write_half_ = WriteHalf::ended;
  // With nothing queued, the system call itself does what uv_shutdown would after a turn of the
  // loop. It fails only on a connection that is gone, which reading will tell.
  ::shutdown(socket(), SHUT_WR);
}

// What was written is looked at a while later, once for all that was written until then: most of
// it is acknowledged by then and costs nothing more.
void Tcp::watch_delivery() {
  if (unreachable_ms_ == 0 || check_.is_set()) return;
  awaiting_since_ms_ = loop_.now_ms();
  check_.set(unreachable_ms_ / checks_until_unreachable);
}

void Tcp::set_unreachable(UnreachableMs unreachable_ms) {
  if (unreachable_ms == unreachable_ms_) return;
  unreachable_ms_ = unreachable_ms;
  if (state_ != State::open) return;
  if (!peer_.is_none()) set_probes(socket(), unreachable_ms_);
  if (!check_.is_set()) return;
  check_.clear();
  watch_delivery();
}

void Tcp::on_check() {
  if (state_ != State::open) return;
  const std::optional<Delivery> delivery = delivery_of(socket());
  if (!delivery) return;
  const uint64_t now_ms = loop_.now_ms();
  if (!delivery->is_awaited) {
    if (!delivery->is_queued && queue_.empty()) return;
    // A window that is closed is asked after ever more seldom: silence counts from a question on.
    awaiting_since_ms_ = now_ms;
  }
  const uint64_t silent_ms = std::min(delivery->silent_ms, now_ms - awaiting_since_ms_);
  if (silent_ms >= unreachable_ms_) {
    state_ = State::failed;
    read_half_ = ReadHalf::ended;
    uv_read_stop(cell_->stream());
    listener_->on_error(error_of(UV_ETIMEDOUT));
    return;
  }
  check_.set(
      std::min<uint64_t>(unreachable_ms_ / checks_until_unreachable, unreachable_ms_ - silent_ms));
}

void Tcp::close() {
  state_ = State::closed;
  connecting_.reset();
  write_error_.unlink();
  check_.clear();
  full_ = false;
  // The descriptor is closed first: libuv never reads the queue again, so it may go.
  if (cell_ != nullptr) TcpCell::close(std::exchange(cell_, nullptr));
  queue_.clear();
}

void Tcp::abort() {
  if (cell_ != nullptr) {
    // Zero linger makes close(2) send RST; uv_tcp_close_reset refuses after a shutdown.
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close();
}

base::Error Tcp::error_of(int raw) const {
  base::Code code = base::Code::io;
  if (raw == UV_ECONNRESET || raw == UV_EPIPE) code = base::Code::reset;
  if (raw == UV_ETIMEDOUT || raw == UV_EHOSTUNREACH || raw == UV_ENETUNREACH) {
    code = base::Code::unreachable;
  }
  return base::Error{code, side_, raw};
}

}  // namespace net
