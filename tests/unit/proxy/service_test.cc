// Services of ours behind a client's connection: what they answer at once, later, in pieces.
#include "local/service.h"

#include <functional>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "client/clients.h"
#include "client/h1_client.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "proxy/environment.h"
#include "support/memory_stream.h"

namespace {

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

// An answer whose end a case sees.
class Watched final : public local::Answer {
 public:
  explicit Watched(bool& over) : over_(over) {}
  void on_over() override { over_ = true; }

 private:
  bool& over_;
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
  explicit Scene(Scripted::Serve serve) : service_(std::move(serve)) {
    entrance_.service = &service_;
    environment_.snapshot = proxy::SnapshotRef(new proxy::Snapshot(
        std::make_shared<const config::Config>(), nullptr, {}, [](const auto&, const auto&) {
          return nullptr;
        }));
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

constexpr std::string_view question = "GET /page?x HTTP/1.1\r\nHost: h\r\n\r\n";

std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("a page at once, one after the other on one connection") {
  Scene scene([](const http::Head& request, local::Responder& responder) {
    responder.reply({.status = 404, .body = std::string(request.target)});
    return nullptr;
  });
  for (int i = 1; i <= 2; ++i) {
    scene.peer().send(question);
    scene.turn();
  }
  const std::string& heard = scene.peer().heard();
  CHECK(heard.starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(heard.ends_with("/page?x"));
  CHECK(heard.find("HTTP/1.1 404", 1) != std::string::npos);
}

TEST_CASE("an answer that comes later") {
  local::Responder* asked = nullptr;
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    asked = &responder;
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().empty());
  REQUIRE(asked != nullptr);
  asked->reply({.body = "late"});
  CHECK(over);
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(body_of(scene.peer().heard()) == "late");
}

TEST_CASE("an answer in pieces: each leaves at once, and its end is its end") {
  local::Responder* asked = nullptr;
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    asked = &responder;
    responder.begin("text/event-stream");
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().find("Content-Type: text/event-stream\r\n") != std::string::npos);
  asked->send(base::as_bytes("data: 1\n\n"));
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(scene.peer().heard().ends_with("9\r\ndata: 1\n\n\r\n"));
  CHECK(!over);
  asked->end();
  CHECK(over);
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(scene.peer().heard().ends_with("0\r\n\r\n"));
}

TEST_CASE("HEAD has a stream's head and no bytes of it") {
  Scene scene([&](const http::Head&, local::Responder& responder) {
    responder.begin("text/event-stream");
    responder.send(base::as_bytes("data: 1\n\n"));
    responder.end();
    return nullptr;
  });
  scene.peer().send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  CHECK(scene.peer().heard().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(scene.peer().heard().find("data:") == std::string::npos);
}

TEST_CASE("a client that goes away ends the answer, which is told") {
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    responder.begin("text/event-stream");
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(!over);
  scene.peer().leave();
  scene.turn();
  CHECK(over);
}

TEST_CASE("an error of a service has the API's form, with fields of its own") {
  Scene scene([&](const http::Head&, local::Responder& responder) {
    const http::Field field{"Location", "https://h/"};
    responder.reply({.status = 308, .type = "invalid_request_error", .code = "c", .message = "m"},
                    {&field, 1});
    return nullptr;
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().find("\r\nLocation: https://h/\r\n") != std::string::npos);
  CHECK(scene.peer().heard().find("\"code\":\"c\"") != std::string::npos);
}
