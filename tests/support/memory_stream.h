#pragma once

// ByteStreams without sockets for tests and the simulation: pairs of them in memory, on any Loop,
// with seeded random splits, partial acceptance, delays and resets. The same contract as net::Tcp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/out_queue.h"
#include "net/byte_stream.h"
#include "net/loop.h"

namespace test {

class MemoryStream;

struct MemoryOptions {
  // What is "in the kernel" of one direction at most: beyond that the writer queues.
  size_t capacity_bytes = 64 * 1024;
  // Whether the bytes arrive in random pieces and with random pauses; else as they are, at once.
  bool random = true;
};

// The source of all chance of a test. Resource; outlives its streams.
class MemoryNetwork {
 public:
  using Pair = std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>>;

  MemoryNetwork(net::Loop& loop, uint64_t seed, MemoryOptions options = {})
      : loop_(loop), options_(options), random_(seed) {}

  // Two connected ends; errors carry the sides given here.
  [[nodiscard]] Pair make_pair(base::Side first, base::Side second);
  // The first is still connecting and will hear on_connected().
  [[nodiscard]] Pair make_connecting_pair(base::Side first, base::Side second);
  // A stream that will hear on_error(error) instead of on_connected().
  [[nodiscard]] std::unique_ptr<MemoryStream> make_failing(base::Error error);

  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] const MemoryOptions& options() const { return options_; }
  // 0 ≤ result < bound.
  [[nodiscard]] uint64_t random_below(uint64_t bound) { return random_() % bound; }

 private:
  net::Loop& loop_;
  MemoryOptions options_;
  std::mt19937_64 random_;
};

// Resource. One end of a pair. Its callbacks come from Loop::defer, never from within a call.
class MemoryStream final : public net::ByteStream {
 public:
  ~MemoryStream() override;
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;
  MemoryStream(MemoryStream&&) = delete;
  MemoryStream& operator=(MemoryStream&&) = delete;

  void set_listener(net::ByteStreamListener& listener) override { listener_ = &listener; }
  net::Flow write(std::span<const base::Bytes> pieces) override;
  void set_reading(bool reading) override;
  void shutdown_write() override;
  void close() override;
  void abort() override;
  [[nodiscard]] const net::Address& peer() const override { return nowhere_; }
  [[nodiscard]] size_t queued_bytes() const override { return queue_.size(); }
  [[nodiscard]] bool is_full() const override { return full_; }
  [[nodiscard]] size_t unconfirmed_bytes() const override {
    return queue_.size() + (other_ != nullptr ? other_->incoming_.size() : 0);
  }
  [[nodiscard]] uint64_t sent_bytes() const override { return sent_bytes_; }
  [[nodiscard]] bool has_refused_since(uint64_t mark) override {
    return sent_bytes_ == mark || (other_ == nullptr && taken_bytes_ <= mark);
  }

  // The network cuts the connection: both ends see a reset, what was under way is lost.
  void cut();

 private:
  friend class MemoryNetwork;
  enum class State : uint8_t { connecting, open, failed, closed };
  enum class Incoming : uint8_t { open, ended, reset };
  enum class WriteHalf : uint8_t { open, ending, ended, failed };

  MemoryStream(MemoryNetwork& network, base::Side side);

  void schedule() { network_.loop().defer(event_); }
  void on_event();
  bool tell_connected();
  bool tell_failure();
  bool deliver();
  void take_incoming(std::span<std::byte> into);
  bool drain();
  void receive_end(Incoming end);
  void fail_writing();
  size_t send(base::Bytes bytes);

  MemoryNetwork& network_;
  net::Address nowhere_;
  base::Side side_;
  net::ByteStreamListener* listener_ = nullptr;
  MemoryStream* other_ = nullptr;
  net::Deferred event_;
  base::OutQueue incoming_;
  Incoming incoming_end_ = Incoming::open;
  base::OutQueue queue_;
  uint64_t sent_bytes_ = 0;
  uint64_t taken_bytes_ = 0;  // of those, by the other end's listener
  State state_ = State::open;
  WriteHalf write_half_ = WriteHalf::open;
  base::Error connect_error_{base::Code::closed};  // `closed`: connecting will work
  bool reading_ = false;
  bool read_ended_ = false;
  bool write_error_due_ = false;
  bool full_ = false;
};

}  // namespace test
