// Handshake steps on another thread: what happens to a stream, and around it, while one runs.
#include <deque>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include "net/uv_loop.h"
#include "tls/tls_world.h"

namespace {

using tls_test::client_of;
using tls_test::fixture;
using tls_test::Link;
using tls_test::server_of;
using tls_test::write_text;

// Keeps offloaded work until the test lets it go, on a thread of its own.
class HoldingLoop final : public net::Loop {
 public:
  void offload(std::unique_ptr<net::Offloaded> work) override { held.push_back(std::move(work)); }

  void run_elsewhere() {
    std::thread([this] { held.front()->run(); }).join();
  }
  void finish() {
    const std::unique_ptr<net::Offloaded> work = std::move(held.front());
    held.pop_front();
    work->done();
    end_turn();
  }
  void run_all() {
    while (!held.empty()) {
      run_elsewhere();
      finish();
    }
  }

  std::deque<std::unique_ptr<net::Offloaded>> held;
};

struct HoldingWorld {
  HoldingLoop loop;
  test::MemoryNetwork network{loop, 1, {.random = false}};
  std::unique_ptr<tls::ServerContext> server = server_of(fixture().leaf);
  std::optional<tls::ClientContext> client{std::in_place, client_of(), fixture().roots};
};

TEST_CASE("a handshake waits for its step, and goes on with what it left") {
  HoldingWorld world;
  Link link(world.network, *world.client, *world.server);
  link.server.on_ready = [&] {
    static_cast<void>(write_text(*link.server_stream, "in the same flight"));
  };
  link.read_both();
  world.loop.end_turn();
  REQUIRE(world.loop.held.size() == 2);  // a side each
  world.loop.end_turn();
  REQUIRE(world.loop.held.size() == 2);
  world.loop.run_all();
  CHECK(link.client.connected == 1);
  CHECK(link.server.connected == 1);
  CHECK(link.client.received == "in the same flight");
}

TEST_CASE("a stream closed while its step runs is not heard of again") {
  HoldingWorld world;
  Link link(world.network, *world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  SUBCASE("before it has run") {
    link.client_stream->close();
  }
  SUBCASE("after it has run") {
    world.loop.run_elsewhere();
    link.client_stream->close();
  }
  SUBCASE("destroyed") {
    link.client_stream.reset();
  }
  world.loop.run_all();
  CHECK(link.client.connected == 0);
  CHECK(!link.client.error.has_value());
}

TEST_CASE("a time-out while a step runs is an error, once") {
  HoldingWorld world;
  Link link(world.network, *world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  world.loop.advance(2 * Link::handshake_timeout_ms);
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  CHECK(link.client.error->code == base::Code::timeout);
  world.loop.run_all();
  CHECK(link.client.connected == 0);
}

TEST_CASE("a context that goes waits for the steps it has out") {
  HoldingWorld world;
  Link link(world.network, *world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  link.client_stream->close();
  std::thread elsewhere([&] {
    for (const std::unique_ptr<net::Offloaded>& work : world.loop.held)
      work->run();
  });
  link.client_stream.reset();
  world.client.reset();
  elsewhere.join();
  while (!world.loop.held.empty())
    world.loop.finish();
  CHECK(link.client.connected == 0);
}

TEST_CASE("the loop runs work on another thread, and its end on its own") {
  struct Work final : net::Offloaded {
    explicit Work(std::thread::id& given_ran_on, std::thread::id& given_done_on)
        : ran_on(given_ran_on), done_on(given_done_on) {}
    void run() override { ran_on = std::this_thread::get_id(); }
    void done() override { done_on = std::this_thread::get_id(); }
    std::thread::id& ran_on;
    std::thread::id& done_on;
  };
  net::UvLoop loop;
  std::thread::id ran_on;
  std::thread::id done_on;
  loop.offload(std::make_unique<Work>(ran_on, done_on));
  loop.run();
  CHECK(ran_on != std::thread::id());
  CHECK(ran_on != std::this_thread::get_id());
  CHECK(done_on == std::this_thread::get_id());
}

}  // namespace
