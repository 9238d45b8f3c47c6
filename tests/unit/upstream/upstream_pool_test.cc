// A pool between those who wait and those who answer, by a clock that is set.
#include "upstream/upstream_pool.h"

#include <doctest/doctest.h>

#include "pool_scene.h"

using upstream::UpstreamPool;
using upstream_test::Scene;
using Wanted = upstream::UpstreamPool::Wanted;

namespace {

// Whoever waits: no exchange, and no fetch.
class Waiter final : public upstream::UpstreamWaiter {
 public:
  explicit Waiter(Scene& scene) : pool_(*scene.pool()) {}
  ~Waiter() { leave(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  Waiter(Waiter&&) = delete;
  Waiter& operator=(Waiter&&) = delete;

  void acquire(Wanted wanted = Wanted::any) {
    UpstreamPool::Acquired acquired = pool_.acquire(*this, wanted);
    stream_ = std::move(acquired.stream);
    if (acquired.error) error_ = acquired.error;
  }
  void release() { pool_.release(std::move(stream_)); }
  void cancel() { pool_.cancel(*this); }
  void leave() {
    if (is_linked()) cancel();
    if (stream_) pool_.discard(std::move(stream_));
  }

  [[nodiscard]] bool has_stream() const { return stream_ != nullptr; }
  [[nodiscard]] bool waits() const { return is_linked(); }
  [[nodiscard]] bool is_refused() const { return error_.has_value(); }
  [[nodiscard]] base::Code error() const { return error_->code; }
  [[nodiscard]] stream::UpstreamStream& stream() { return *stream_; }

  // From within on_upstream_unavailable().
  std::function<void()> on_refused = [] {
  };

 private:
  void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) override {
    CHECK(stream_ == nullptr);
    stream_ = std::move(upstream);
  }
  void on_upstream_unavailable(base::Error error) override {
    CHECK(!error_);
    error_ = error;
    on_refused();
  }

  UpstreamPool& pool_;
  std::unique_ptr<stream::UpstreamStream> stream_;
  std::optional<base::Error> error_;
};

// Serves one message: only a stream that has may be told from a fresh one.
class Listener final : public stream::ResponseListener {
 public:
  void serve(Scene& scene, size_t index, stream::UpstreamStream& stream) {
    stream.attach({*this, head_, arena_, "GET"});
    scene.say(index, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(stream.detach());
  }

 private:
  void on_response_head() override {}
  void on_response_body(base::Bytes /*bytes*/) override {}
  void on_response_end() override {}
  void on_response_flush() override {}
  void on_upstream_drained() override {}
  void on_upstream_failed(base::Error /*error*/) override { CHECK(false); }

  http::Head head_;
  base::Arena arena_;
};

}  // namespace

TEST_CASE("who waits is served in the order they came, whoever's dial it was") {
  Scene scene;
  Waiter first(scene);
  Waiter second(scene);
  Waiter third(scene);
  first.acquire();
  second.acquire();
  third.acquire();
  CHECK(scene.dials() == 3);
  scene.connect(2);
  CHECK(first.has_stream());
  CHECK(!second.has_stream());
  scene.connect(0);
  CHECK(second.has_stream());
  CHECK(third.waits());
  // One that is given back is as good.
  Listener listener;
  listener.serve(scene, 2, first.stream());
  first.release();
  CHECK(third.has_stream());
  CHECK(!third.waits());
  // The dial that nobody needs any more is kept for the next.
  scene.connect(1);
  CHECK(scene.pool()->idle_count() == 1);
  first.acquire();
  CHECK(first.has_stream());
  CHECK(scene.dials() == 3);
}

TEST_CASE("at connections_max one waits for those of others") {
  Scene scene({.connections_max = 1, .waiting_max = 2});
  Waiter first(scene);
  first.acquire();
  scene.connect(0);
  REQUIRE(first.has_stream());
  Waiter second(scene);
  Waiter third(scene);
  Waiter fourth(scene);
  second.acquire();
  third.acquire();
  CHECK(scene.dials() == 1);
  fourth.acquire();
  CHECK(fourth.error() == base::Code::refused);
  Listener listener;
  listener.serve(scene, 0, first.stream());
  first.release();
  CHECK(second.has_stream());
  // One that is done for makes room for a new one.
  second.leave();
  scene.turn();
  CHECK(scene.dials() == 2);
  CHECK(third.waits());
  scene.connect(1);
  CHECK(third.has_stream());
}

TEST_CASE("who cancels is not served, and its place is the next one's") {
  Scene scene({.connections_max = 1, .waiting_max = 1});
  Waiter busy(scene);
  busy.acquire();
  scene.connect(0);
  Waiter gone(scene);
  gone.acquire();
  gone.cancel();
  CHECK(!gone.waits());
  Waiter next(scene);
  next.acquire();
  CHECK(next.waits());
  CHECK(!next.is_refused());
  busy.leave();
  scene.turn();
  scene.connect(1);
  CHECK(next.has_stream());
  CHECK(!gone.has_stream());
}

TEST_CASE("who asks for a fresh one gets no kept one") {
  Scene scene({.connections_max = 2});
  Waiter first(scene);
  first.acquire();
  scene.connect(0);
  Listener listener;
  listener.serve(scene, 0, first.stream());
  first.release();
  REQUIRE(scene.pool()->idle_count() == 1);

  Waiter fresh(scene);
  fresh.acquire(Wanted::fresh);
  CHECK(fresh.waits());
  CHECK(scene.dials() == 2);
  first.acquire();
  CHECK(first.has_stream());  // the kept one
  Waiter any(scene);
  any.acquire();
  CHECK(any.waits());
  // A used one that comes back passes by who wants a fresh one.
  listener.serve(scene, 0, first.stream());
  first.release();
  CHECK(any.has_stream());
  CHECK(fresh.waits());
  scene.connect(1);
  CHECK(fresh.has_stream());
  CHECK(!fresh.stream().has_served());
}

TEST_CASE("a fresh one takes the place of a kept one where there is no other") {
  Scene scene({.connections_max = 1});
  Waiter first(scene);
  first.acquire();
  scene.connect(0);
  Listener listener;
  listener.serve(scene, 0, first.stream());
  first.release();
  first.acquire(Wanted::fresh);
  scene.turn();
  CHECK(!scene.dial(0).is_open());
  REQUIRE(scene.dials() == 2);
  scene.connect(1);
  CHECK(first.has_stream());
}

TEST_CASE("one failed dial is one waiter's; from the second on the pool backs off") {
  Scene scene;
  Waiter first(scene);
  first.acquire();
  scene.fail(0);
  CHECK(first.error() == base::Code::connect);
  CHECK(scene.pool()->unused());

  Waiter second(scene);
  second.acquire();  // dials at once: one may be chance
  REQUIRE(scene.dials() == 2);
  scene.fail(1);
  CHECK(second.is_refused());
  // 100 ms, then 200, 400 ...: at once an error meanwhile, and no dial.
  uint64_t wait_ms = 100;
  for (size_t dial = 2; dial < 12; ++dial) {
    CAPTURE(dial);
    Waiter early(scene);
    early.acquire();
    CHECK(early.error() == base::Code::connect);
    scene.pass(wait_ms - 1);
    Waiter still_early(scene);
    still_early.acquire();
    CHECK(still_early.is_refused());
    CHECK(scene.dials() == dial);
    scene.pass(2);
    Waiter due(scene);
    due.acquire();
    CHECK(due.waits());
    REQUIRE(scene.dials() == dial + 1);
    scene.fail(dial);
    CHECK(due.is_refused());
    wait_ms = std::min<uint64_t>(2 * wait_ms, 5'000);
  }
  // One that works ends it.
  scene.pass(5'001);
  Waiter good(scene);
  good.acquire();
  scene.connect(12);
  CHECK(good.has_stream());
  Waiter another(scene);
  another.acquire();
  CHECK(scene.dials() == 14);
  scene.fail(13);
  CHECK(another.is_refused());
  Waiter at_once(scene);
  at_once.acquire();
  CHECK(scene.dials() == 15);
}

TEST_CASE("who waits while others are served waits a back-off out") {
  Scene scene({.connections_max = 2});
  Waiter busy(scene);
  busy.acquire();
  scene.connect(0);
  Waiter first(scene);
  first.acquire();
  scene.fail(1);
  Waiter second(scene);
  second.acquire();
  scene.fail(2);
  REQUIRE(second.is_refused());
  Waiter third(scene);
  third.acquire();
  CHECK(third.waits());  // for what is busy, or for the end of the back-off
  CHECK(scene.dials() == 3);
  scene.pass(200);
  REQUIRE(scene.dials() == 4);
  scene.connect(3);
  CHECK(third.has_stream());
}

TEST_CASE("who is told of a failure may come again from within, or cancel another") {
  Scene scene;
  Waiter first(scene);
  Waiter second(scene);
  first.acquire();
  second.acquire();
  Waiter again(scene);
  first.on_refused = [&] {
    second.cancel();
    again.acquire();
  };
  scene.fail(0);
  CHECK(first.is_refused());
  CHECK(!second.is_refused());
  CHECK(again.waits());
  scene.connect(1);
  CHECK(again.has_stream());
  CHECK(!second.has_stream());
}

TEST_CASE("a retired pool serves who waits already, and keeps nothing") {
  Scene scene;
  Waiter waiter(scene);
  waiter.acquire();
  scene.pool()->retire();
  scene.connect(0);
  REQUIRE(waiter.has_stream());
  Listener listener;
  listener.serve(scene, 0, waiter.stream());
  waiter.release();
  scene.turn();
  CHECK(scene.pool()->idle_count() == 0);
  CHECK(scene.open() == 0);
}

TEST_CASE("idle connections end by time, by the other end, and by speaking unasked") {
  Scene scene({.idle_timeout_ms = 1'000, .warm = 3});
  REQUIRE(scene.dials() == 3);
  for (const size_t index : {size_t{0}, size_t{1}, size_t{2}})
    scene.connect(index);
  REQUIRE(scene.pool()->idle_count() == 3);
  scene.dial(0).end();
  scene.say(1, "what is this?");
  CHECK(!scene.dial(0).is_open());
  CHECK(!scene.dial(1).is_open());
  CHECK(scene.dial(2).is_open());
  CHECK(scene.dials() == 5);  // kept warm
  scene.pass(1'100);
  CHECK(!scene.dial(2).is_open());
  CHECK(scene.dials() == 6);
}
