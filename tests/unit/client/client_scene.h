#pragma once

// One client's connection in memory, with what a worker lends it, and a service behind it that a
// case scripts.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "client/clients.h"
#include "client/h1_client.h"
#include "config/config.h"
#include "local/service.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "proxy/environment.h"
#include "support/memory_stream.h"

namespace client_test {

// What a case has a service do.
class Scripted final : public local::Service {
 public:
  using Serve = std::function<std::unique_ptr<local::Answer>(const http::Head&, local::Responder&)>;
  explicit Scripted(Serve serve) : serve_(std::move(serve)) {}
  std::unique_ptr<local::Answer> serve(const http::Head& request,
                                       local::Responder& responder) override {
    return serve_(request, responder);
  }

 private:
  Serve serve_;
};

// The other end of the client's connection.
class Peer final : public net::ByteStreamListener {
 public:
  explicit Peer(std::unique_ptr<test::MemoryStream> stream) : stream_(std::move(stream)) {
    stream_->set_listener(*this);
    stream_->set_reading(true);
  }
  void send(std::string_view text) {
    const base::Bytes piece = base::as_bytes(text);
    static_cast<void>(stream_->write({&piece, 1}));
  }
  void leave() { stream_->abort(); }
  [[nodiscard]] const std::string& heard() const { return heard_; }

 private:
  void on_connected() override {}
  void on_read(base::Bytes bytes) override { heard_ += base::as_text(bytes); }
  void on_read_end(net::ReadEnd /*end*/) override {}
  void on_drained() override {}
  void on_write_error(base::Error /*error*/) override {}
  void on_error(base::Error /*error*/) override {}

  std::unique_ptr<test::MemoryStream> stream_;
  std::string heard_;
};

// A worker's share of the world around one client's connection.
class Scene {
 public:
  explicit Scene(Scripted::Serve serve, const config::Config& config = {})
      : service_(std::move(serve)) {
    entrance_.service = &service_;
    environment_.snapshot =
        proxy::SnapshotRef(new proxy::Snapshot(std::make_shared<const config::Config>(config),
                                               nullptr,
                                               nullptr,
                                               {},
                                               [](const auto&, const auto&) { return nullptr; }));
    auto [ours, theirs] = network_.make_pair(base::Side::client, base::Side::client);
    peer_ = std::make_unique<Peer>(std::move(theirs));
    client::H1Client::start(clients_, std::move(ours), net::Address(), entrance_);
  }
  ~Scene() {
    peer_->leave();
    turn();
    CHECK(clients_.sessions.empty());
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  Scene(Scene&&) = delete;
  Scene& operator=(Scene&&) = delete;

  [[nodiscard]] Peer& peer() { return *peer_; }
  void turn() { loop_.end_turn(); }
  void advance(uint64_t ms) {
    loop_.advance(loop_.now_ms() + ms);
    turn();
  }
  void drain() {
    environment_.draining = true;
    clients_.sessions.for_each([](client::ClientSession& session) { session.drain(); });
  }
  // Whether the client's connection is still there.
  [[nodiscard]] bool is_open() const { return !clients_.sessions.empty(); }

 private:
  net::Loop loop_;
  test::MemoryNetwork network_{loop_, 1, {.random = false}};
  observe::Metrics metrics_;
  observe::AccessLog access_log_;
  base::MemoryLimit memory_;
  proxy::Environment environment_{.loop = loop_,
                                  .metrics = metrics_,
                                  .access_log = access_log_,
                                  .ledger = nullptr,
                                  .snapshot = {},
                                  .memory = memory_};
  client::Clients clients_{.environment = environment_,
                           .on_closed = [](const client::ClientSession&) {
                           }};
  Scripted service_;
  proxy::Entrance entrance_;
  std::unique_ptr<Peer> peer_;
};

}  // namespace client_test
