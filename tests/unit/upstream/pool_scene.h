#pragma once

// A pool on a loop with a manual clock: a test says when each of its dials works or fails, and what
// the other end says.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "config/config.h"
#include "net/loop.h"
#include "observe/metrics.h"
#include "support/memory_stream.h"
#include "upstream/upstream_pool.h"

namespace upstream_test {

class DialedStream;

// Resource. One connection a pool has asked for, and its other end.
class Dial final : private net::ByteStreamListener {
 public:
  explicit Dial(std::unique_ptr<test::MemoryStream> far) : far_(std::move(far)) {
    far_->set_listener(*this);
    far_->set_reading(true);
  }
  void connect();
  void fail(base::Error error);

  // The other end's doings.
  void say(std::string_view text) {
    const base::Bytes piece = base::as_bytes(text);
    static_cast<void>(far_->write({&piece, 1}));
  }
  void end() { far_->shutdown_write(); }
  void reset() { far_->abort(); }
  [[nodiscard]] const std::string& heard() const { return heard_; }
  // Whether the pool's side still has its end.
  [[nodiscard]] bool is_open() const { return near_ != nullptr; }

 private:
  friend class DialedStream;
  void on_connected() override {}
  void on_read(base::Bytes bytes) override { heard_ += base::as_text(bytes); }
  void on_read_end(net::ReadEnd /*end*/) override {}
  void on_drained() override {}
  void on_write_error(base::Error /*error*/) override {}
  void on_error(base::Error /*error*/) override {}

  std::unique_ptr<test::MemoryStream> far_;
  DialedStream* near_ = nullptr;
  std::string heard_;
};

// Resource. The pool's end: a stream in memory that connects when the test says so.
class DialedStream final : public net::ByteStream {
 public:
  DialedStream(Dial& dial,
               std::unique_ptr<test::MemoryStream> inner,
               net::ByteStreamListener& listener)
      : dial_(dial), inner_(std::move(inner)), listener_(&listener) {
    inner_->set_listener(listener);
    dial_.near_ = this;
  }
  ~DialedStream() override { close(); }
  DialedStream(const DialedStream&) = delete;
  DialedStream& operator=(const DialedStream&) = delete;
  DialedStream(DialedStream&&) = delete;
  DialedStream& operator=(DialedStream&&) = delete;

  net::ByteStreamListener& listener() { return *listener_; }

  void set_listener(net::ByteStreamListener& listener) override {
    listener_ = &listener;
    inner_->set_listener(listener);
  }
  net::Flow write(std::span<const base::Bytes> pieces) override { return inner_->write(pieces); }
  void set_reading(bool reading) override { inner_->set_reading(reading); }
  void shutdown_write() override { inner_->shutdown_write(); }
  void close() override {
    dial_.near_ = nullptr;
    inner_->close();
  }
  void abort() override {
    dial_.near_ = nullptr;
    inner_->abort();
  }
  [[nodiscard]] const net::Address& peer() const override { return inner_->peer(); }
  [[nodiscard]] size_t queued_bytes() const override { return inner_->queued_bytes(); }
  [[nodiscard]] bool is_full() const override { return inner_->is_full(); }
  [[nodiscard]] size_t unconfirmed_bytes() const override { return inner_->unconfirmed_bytes(); }
  [[nodiscard]] uint64_t sent_bytes() const override { return inner_->sent_bytes(); }
  [[nodiscard]] bool has_refused_since(uint64_t mark) override {
    return inner_->has_refused_since(mark);
  }

 private:
  Dial& dial_;
  std::unique_ptr<test::MemoryStream> inner_;
  net::ByteStreamListener* listener_;
};

inline void Dial::connect() {
  CHECK(near_ != nullptr);
  near_->listener().on_connected();
}

inline void Dial::fail(base::Error error) {
  CHECK(near_ != nullptr);
  near_->listener().on_error(error);
}

// Resource. A pool and all that it dials. `config` is the upstream's.
class Scene {
 public:
  static constexpr base::Error refused{base::Code::connect, base::Side::upstream, -111};

  explicit Scene(const config::Pool& config = {}, const http::H1Limits& limits = {}) {
    config::Upstream upstream;
    upstream.url = *base::parse_url("http://api.test");
    upstream.pool = config;
    pool_ = std::make_shared<upstream::UpstreamPool>(
        loop_,
        metrics_,
        upstream::UpstreamIdentity{"api", upstream.url, "api.test"},
        upstream,
        limits,
        std::make_unique<Dialer>(*this));
  }
  ~Scene() {
    pool_.reset();
    turn();
    CHECK(metrics_.upstream_connections_open.value() == 0);
    for (const auto& dial : dials_)
      CHECK(!dial->is_open());
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  Scene(Scene&&) = delete;
  Scene& operator=(Scene&&) = delete;

  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] const std::shared_ptr<upstream::UpstreamPool>& pool() const { return pool_; }
  // Others may hold it still.
  void leave_pool() { pool_.reset(); }
  // How often it has dialled; and each of these.
  [[nodiscard]] size_t dials() const { return dials_.size(); }
  [[nodiscard]] Dial& dial(size_t index) { return *dials_.at(index); }
  // Of those, how many connections it still has.
  [[nodiscard]] uint64_t open() const { return metrics_.upstream_connections_open.value(); }
  // What the network and deferred work have to do now.
  void turn() { loop_.end_turn(); }
  void pass(uint64_t duration_ms) {
    loop_.advance(loop_.now_ms() + duration_ms);
    turn();
  }
  void connect(size_t index) {
    dial(index).connect();
    turn();
  }
  void fail(size_t index, base::Error error = refused) {
    dial(index).fail(error);
    turn();
  }
  void say(size_t index, std::string_view text) {
    dial(index).say(text);
    turn();
  }

 private:
  class Dialer final : public upstream::Dialer {
   public:
    explicit Dialer(Scene& scene) : scene_(scene) {}
    std::unique_ptr<net::ByteStream> dial(net::ByteStreamListener& listener) override {
      auto [near, far] = scene_.network_.make_pair(base::Side::upstream, base::Side::none);
      Dial& dial = *scene_.dials_.emplace_back(std::make_unique<Dial>(std::move(far)));
      return std::make_unique<DialedStream>(dial, std::move(near), listener);
    }

   private:
    Scene& scene_;
  };

  net::Loop loop_;
  test::MemoryNetwork network_{loop_, 1, {.random = false}};
  observe::Metrics metrics_;
  std::vector<std::unique_ptr<Dial>> dials_;
  std::shared_ptr<upstream::UpstreamPool> pool_;
};

}  // namespace upstream_test
