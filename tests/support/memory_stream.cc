#include "support/memory_stream.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace test {

MemoryNetwork::Pair MemoryNetwork::make_pair(base::Side first, base::Side second) {
  std::unique_ptr<MemoryStream> one(new MemoryStream(*this, first));
  std::unique_ptr<MemoryStream> two(new MemoryStream(*this, second));
  one->other_ = two.get();
  two->other_ = one.get();
  return {std::move(one), std::move(two)};
}

MemoryNetwork::Pair MemoryNetwork::make_connecting_pair(base::Side first, base::Side second) {
  Pair pair = make_pair(first, second);
  pair.first->state_ = MemoryStream::State::connecting;
  pair.first->schedule();
  return pair;
}

std::unique_ptr<MemoryStream> MemoryNetwork::make_failing(base::Error error) {
  std::unique_ptr<MemoryStream> stream(new MemoryStream(*this, error.side));
  stream->state_ = MemoryStream::State::connecting;
  stream->connect_error_ = error;
  stream->schedule();
  return stream;
}

MemoryStream::MemoryStream(MemoryNetwork& network, base::Side side)
    : network_(network),
      side_(side),
      event_(this, [](void* self) { static_cast<MemoryStream*>(self)->on_event(); }),
      incoming_(network.loop().blocks()),
      queue_(network.loop().blocks()) {}

MemoryStream::~MemoryStream() {
  close();
}

net::Flow MemoryStream::write(std::span<const base::Bytes> pieces) {
  CHECK(state_ != State::connecting);
  if (state_ != State::open || write_half_ != WriteHalf::open) return net::Flow::go;
  for (const base::Bytes piece : pieces) {
    const size_t sent = queue_.empty() ? send(piece) : 0;
    if (write_half_ == WriteHalf::failed) return net::Flow::go;
    queue_.append(piece.subspan(sent));
  }
  if (!queue_.empty()) schedule();
  full_ = full_ || queue_.size() > network_.loop().queue_bytes_max();
  return full_ ? net::Flow::full : net::Flow::go;
}

// Returns how many bytes "the kernel" took.
size_t MemoryStream::send(base::Bytes bytes) {
  if (other_ == nullptr) {
    fail_writing();
    return 0;
  }
  const size_t room = network_.options().capacity_bytes -
                      std::min(network_.options().capacity_bytes, other_->incoming_.size());
  size_t count = std::min(room, bytes.size());
  if (network_.options().random && network_.random_below(4) == 0) {
    count = network_.random_below(count + 1);
  }
  other_->incoming_.append(bytes.first(count));
  sent_bytes_ += count;
  if (count > 0) other_->schedule();
  return count;
}

void MemoryStream::set_reading(bool reading) {
  const bool was_reading = std::exchange(reading_, reading);
  if (reading && !was_reading && state_ != State::closed) schedule();
}

void MemoryStream::shutdown_write() {
  if (state_ != State::open || write_half_ != WriteHalf::open) return;
  write_half_ = WriteHalf::ending;
  if (queue_.empty()) {
    write_half_ = WriteHalf::ended;
    if (other_ != nullptr) other_->receive_end(Incoming::ended);
  }
}

void MemoryStream::abort() {
  MemoryStream* other = std::exchange(other_, nullptr);
  if (other != nullptr) {
    other->other_ = nullptr;
    other->incoming_.clear();
    other->receive_end(Incoming::reset);
  }
  close();
}

void MemoryStream::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  event_.unlink();
  queue_.clear();
  if (other_ == nullptr) return;
  MemoryStream& other = *std::exchange(other_, nullptr);
  other.other_ = nullptr;
  // As a kernel does: what nobody read makes it a reset, which may overtake bytes.
  const bool was_reset = !incoming_.empty();
  if (was_reset) other.incoming_.clear();
  other.receive_end(was_reset ? Incoming::reset : Incoming::ended);
}

void MemoryStream::cut() {
  MemoryStream* other = other_;
  for (MemoryStream* end : {this, other}) {
    if (end == nullptr) continue;
    end->other_ = nullptr;
    end->incoming_.clear();
    end->receive_end(Incoming::reset);
  }
}

void MemoryStream::receive_end(Incoming end) {
  if (state_ == State::closed) return;
  // An end already sent stays an end unless a reset follows it.
  if (incoming_end_ == Incoming::open || end == Incoming::reset) incoming_end_ = end;
  schedule();
}

void MemoryStream::fail_writing() {
  write_half_ = WriteHalf::failed;
  write_error_due_ = true;
  full_ = false;
  queue_.clear();
  schedule();
}

// One event at a time, each the last thing done here: the listener may close this stream.
void MemoryStream::on_event() {
  if (network_.options().random && network_.random_below(4) == 0) {
    schedule();  // others first
    return;
  }
  if (tell_connected() || tell_failure()) return;
  if (network_.random_below(2) == 0) {
    static_cast<void>(deliver() || drain());
  } else {
    static_cast<void>(drain() || deliver());
  }
}

bool MemoryStream::tell_connected() {
  if (state_ != State::connecting) return false;
  if (connect_error_.code != base::Code::closed) {
    state_ = State::failed;
    listener_->on_error(connect_error_);
    return true;
  }
  state_ = State::open;
  schedule();
  listener_->on_connected();
  return true;
}

bool MemoryStream::tell_failure() {
  if (state_ != State::open || !write_error_due_) return false;
  write_error_due_ = false;
  schedule();
  listener_->on_write_error(base::Error{base::Code::reset, side_, 0});
  return true;
}

bool MemoryStream::deliver() {
  if (state_ != State::open || !reading_ || read_ended_) return false;
  if (!incoming_.empty()) {
    auto& scratch = network_.loop().read_scratch();
    size_t count = std::min(incoming_.size(), scratch.size());
    if (network_.options().random && network_.random_below(2) == 0) {
      count = 1 + network_.random_below(count);
    }
    take_incoming(std::span(scratch).first(count));
    schedule();
    if (other_ != nullptr) other_->schedule();
    net::Loop& loop = network_.loop();
    listener_->on_read(base::Bytes{scratch.data(), count});
    // Whoever kept the span reads this.
    std::memset(loop.read_scratch().data(), 0xdd, count);
    return true;
  }
  if (incoming_end_ == Incoming::open) return false;
  read_ended_ = true;
  schedule();
  if (incoming_end_ == Incoming::ended) {
    listener_->on_read_end(net::ReadEnd::clean);
    return true;
  }
  state_ = State::failed;
  listener_->on_error(base::Error{base::Code::reset, side_, 0});
  return true;
}

void MemoryStream::take_incoming(std::span<std::byte> into) {
  if (other_ != nullptr) other_->taken_bytes_ += into.size();
  while (!into.empty()) {
    base::Bytes front;
    static_cast<void>(incoming_.front({&front, 1}));
    const size_t count = std::min(front.size(), into.size());
    std::copy_n(front.begin(), count, into.begin());
    incoming_.drop(count);
    into = into.subspan(count);
  }
}

// Moves the queue on; whether that was an event.
bool MemoryStream::drain() {
  if (state_ != State::open || queue_.empty()) return false;
  base::Bytes front;
  while (!queue_.empty() && queue_.front({&front, 1}) == 1) {
    const size_t sent = send(front);
    if (write_half_ == WriteHalf::failed) return true;
    if (sent == 0) break;
    queue_.drop(sent);
  }
  // Room comes with the other end's reading, which schedules us; chance may have refused, too.
  if (!queue_.empty() && other_ != nullptr &&
      other_->incoming_.size() < network_.options().capacity_bytes) {
    schedule();
  }
  if (queue_.empty() && write_half_ == WriteHalf::ending) {
    write_half_ = WriteHalf::ended;
    if (other_ != nullptr) other_->receive_end(Incoming::ended);
  }
  if (!full_ || queue_.size() > network_.loop().queue_bytes_drained()) return false;
  full_ = false;
  schedule();
  listener_->on_drained();
  return true;
}

}  // namespace test
