#pragma once

// What the tests of net/ share: a listener that writes down what it hears, and waiting with an end.

#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "net/byte_stream.h"
#include "net/handle.h"
#include "net/uv_loop.h"

namespace net_test {

// Fails the test when a callback comes from within a call (see Quiet).
class Recorder final : public net::ByteStreamListener {
 public:
  // While one of these lives, nothing may be heard.
  class Quiet {
   public:
    explicit Quiet(Recorder& recorder) : recorder_(recorder) { ++recorder_.quiet_; }
    ~Quiet() { --recorder_.quiet_; }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    Quiet(Quiet&&) = delete;
    Quiet& operator=(Quiet&&) = delete;

   private:
    Recorder& recorder_;
  };

  void on_connected() override {
    heard(++connected);
    if (then_connected) then_connected();
  }
  void on_read(base::Bytes bytes) override {
    CHECK(ends == 0);
    heard(++reads);
    text += base::as_text(bytes);
    if (then_read) then_read();
  }
  void on_read_end(net::ReadEnd end) override {
    CHECK(end == net::ReadEnd::clean);
    heard(++ends);
    if (then_end) then_end();
  }
  void on_drained() override {
    heard(++drained);
    if (then_drained) then_drained();
  }
  void on_write_error(base::Error error) override {
    write_errors.push_back(error);
    heard(static_cast<int>(write_errors.size()));
    if (then_write_error) then_write_error();
  }
  void on_error(base::Error error) override {
    errors.push_back(error);
    heard(static_cast<int>(errors.size()));
    if (then_error) then_error();
  }

  std::string text;
  int connected = 0;
  int reads = 0;
  int ends = 0;
  int drained = 0;
  int total = 0;  // of callbacks
  std::vector<base::Error> write_errors;
  std::vector<base::Error> errors;
  std::function<void()> then_connected, then_read, then_end, then_drained, then_write_error,
      then_error;

 private:
  void heard(int /*count*/) {
    ++total;
    CHECK(quiet_ == 0);
  }
  int quiet_ = 0;
};

// Turns the loop until `done()`; a test that waits for ten seconds has failed.
inline void run_until(net::UvLoop& loop, const std::function<bool()>& done) {
  bool expired = false;
  // Without a handle on it, libuv does not even run timers.
  net::Handle<uv_async_t> alive(nullptr);
  REQUIRE(uv_async_init(loop.uv(), alive.get(), [](uv_async_t*) {}) == 0);
  net::Deadline watchdog(
      loop.timers(), &expired, [](void* flag) { *static_cast<bool*>(flag) = true; });
  watchdog.set(10'000);
  while (!done()) {
    loop.run_once();
    REQUIRE_MESSAGE(!expired, "waited for ten seconds");
  }
}

// Runs everything the loop can do without waiting for the world.
inline void run_ready(net::UvLoop& loop) {
  for (int i = 0; i < 5; ++i) {
    bool turned = false;
    net::Deferred turn(&turned, [](void* flag) { *static_cast<bool*>(flag) = true; });
    loop.defer(turn);
    uv_run(loop.uv(), UV_RUN_NOWAIT);
    loop.end_turn();
    CHECK(turned);
  }
}

}  // namespace net_test
