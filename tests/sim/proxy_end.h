#pragma once

// The proxy's end of each connection of a world: watches what the proxy does with it, and lets a
// dial take its time or fail.

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "support/memory_stream.h"
#include "upstream/dialer.h"

namespace sim {

class World;

// Value. Where a dialer leads.
struct DialedOrigin {
  std::string authority;
  bool is_foreign = false;  // a redirect led there
};

// Resource, owned by the proxy's connection.
class ProxyEnd final : public net::ByteStream, public base::ListLink<ProxyEnd> {
 public:
  enum class Kind : uint8_t { client, upstream };

  // A client's connection, open from the start.
  ProxyEnd(World& world, std::unique_ptr<test::MemoryStream> inner);
  // A dialled one; whether and when it opens is chance.
  ProxyEnd(World& world, DialedOrigin origin, net::ByteStreamListener& listener);
  ~ProxyEnd() override;

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& authority() const { return origin_.authority; }
  [[nodiscard]] bool open() const { return !closed_; }

  void set_listener(net::ByteStreamListener& listener) override;
  net::Flow write(std::span<const base::Bytes> pieces) override;
  void set_reading(bool reading) override;
  void shutdown_write() override;
  void close() override;
  void abort() override;
  [[nodiscard]] const net::Address& peer() const override { return nowhere_; }
  [[nodiscard]] size_t queued_bytes() const override { return inner_ ? inner_->queued_bytes() : 0; }
  [[nodiscard]] bool is_full() const override { return inner_ && inner_->is_full(); }
  [[nodiscard]] size_t unconfirmed_bytes() const override {
    return inner_ ? inner_->unconfirmed_bytes() : 0;
  }
  [[nodiscard]] uint64_t sent_bytes() const override { return inner_ ? inner_->sent_bytes() : 0; }
  [[nodiscard]] bool has_refused_since(uint64_t mark) override {
    return !inner_ || inner_->has_refused_since(mark);
  }

 private:
  void draw_dial();
  void on_dial_event();
  [[nodiscard]] bool end();

  World& world_;
  net::Address nowhere_;
  Kind kind_;
  DialedOrigin origin_;
  net::ByteStreamListener* listener_ = nullptr;
  std::unique_ptr<test::MemoryStream> inner_;
  net::Deferred dial_now_;
  net::Deadline dial_later_;
  base::Error dial_error_{base::Code::closed};  // `closed`: it will work
  bool closed_ = false;
};

// Resource, owned by its pool.
class SimDialer final : public upstream::Dialer {
 public:
  SimDialer(World& world, DialedOrigin origin) : world_(world), origin_(std::move(origin)) {}
  [[nodiscard]] std::unique_ptr<net::ByteStream> dial(net::ByteStreamListener& listener) override {
    return std::make_unique<ProxyEnd>(world_, origin_, listener);
  }

 private:
  World& world_;
  DialedOrigin origin_;
};

}  // namespace sim
