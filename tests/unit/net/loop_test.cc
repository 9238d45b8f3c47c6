// The end of a turn: deferred work and the graveyard; and UvLoop's sleep.

#include "net/loop.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "net/handle.h"
#include "recorder.h"

namespace {

struct Work {
  Work(net::Loop& loop, std::function<void()> what)
      : run(std::move(what)), deferred(this, [](void* self) { static_cast<Work*>(self)->run(); }) {
    loop.defer(deferred);
  }
  std::function<void()> run;
  net::Deferred deferred;
};

struct Corpse final : net::Buried {
  explicit Corpse(std::function<void()> last_words) : last_words_(std::move(last_words)) {}
  Corpse(const Corpse&) = delete;
  Corpse& operator=(const Corpse&) = delete;
  Corpse(Corpse&&) = delete;
  Corpse& operator=(Corpse&&) = delete;
  ~Corpse() override { last_words_(); }
  std::function<void()> last_words_;
};

}  // namespace

TEST_CASE("deferred work runs once, in order, with what it defers, in the same turn") {
  net::Loop loop;
  std::vector<int> order;
  Work third(loop, [&] { order.push_back(3); });
  third.deferred.unlink();
  Work first(loop, [&] {
    order.push_back(1);
    loop.defer(third.deferred);
  });
  Work second(loop, [&] { order.push_back(2); });
  loop.defer(first.deferred);
  auto dropped = std::make_unique<Work>(loop, [&] { order.push_back(4); });
  dropped.reset();
  CHECK(loop.turn_pending());
  CHECK(order.empty());
  loop.end_turn();
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(!loop.turn_pending());
  loop.end_turn();
  CHECK(order.size() == 3);
}

TEST_CASE("the more sockets have plenty, the less each may hand on in a turn") {
  net::Loop loop;
  const size_t alone = loop.read_burst_bytes();
  CHECK(alone == net::Loop::read_burst_bytes_max);
  for (int i = 0; i < 8; ++i)
    loop.count_plenty();
  const size_t shared = loop.read_burst_bytes();
  CHECK(shared < alone);
  for (int i = 8; i < 10'000; ++i)
    loop.count_plenty();
  CHECK(loop.read_burst_bytes() == net::Loop::read_burst_bytes_min);
  CHECK(loop.read_area(net::Loop::Taker::fast).size() == net::Loop::read_burst_bytes_min);
  loop.end_turn();  // the next turn is expected to be like this one
  CHECK(loop.read_burst_bytes() == net::Loop::read_burst_bytes_min);
  for (int i = 0; i < 20; ++i)
    loop.end_turn();
  CHECK(loop.read_burst_bytes() == alone);
}

TEST_CASE("reads get less room where memory is tight; beyond the limit relief is called") {
  net::Loop loop;
  base::MemoryLimit limit;
  int reliefs = 0;
  net::Deferred relief(&reliefs, [](void* count) { ++*static_cast<int*>(count); });
  const size_t all = loop.read_area(net::Loop::Taker::fast).size();
  CHECK(all == loop.read_scratch().size());
  loop.watch_memory(limit, relief);
  CHECK(loop.read_area(net::Loop::Taker::fast).size() == all);
  CHECK_FALSE(loop.is_memory_tight());
  limit.set(1);
  CHECK(loop.is_memory_tight());
  CHECK(loop.read_area(net::Loop::Taker::fast).size() < all);
  CHECK(loop.read_area(net::Loop::Taker::fast).data() == loop.read_scratch().data());
  loop.end_turn();
  CHECK(reliefs == 1);
  limit.set(0);
  CHECK(loop.read_area(net::Loop::Taker::fast).size() == all);
  loop.end_turn();
  CHECK(reliefs == 1);
}

TEST_CASE("the buried die at the end of the turn, those they bury with them") {
  net::Loop loop;
  int dead = 0;
  Work work(loop, [&] { CHECK(dead == 0); });
  loop.bury(std::make_unique<Corpse>([&] {
    ++dead;
    loop.bury(std::make_unique<Corpse>([&] { ++dead; }));
    loop.defer(work.deferred);
    work.run = [&] {
      ++dead;
    };
  }));
  CHECK(dead == 0);
  loop.end_turn();
  CHECK(dead == 3);
}

TEST_CASE("a loop that ends buries its dead") {
  int dead = 0;
  {
    net::Loop loop;
    loop.bury(std::make_unique<Corpse>([&] { ++dead; }));
  }
  {
    net::UvLoop loop;
    loop.bury(std::make_unique<Corpse>([&] { ++dead; }));
  }
  CHECK(dead == 2);
}

TEST_CASE("UvLoop never sleeps on deferred work, wherever it came from") {
  net::UvLoop loop;
  // Keeps the loop alive without ever waking it.
  net::Handle<uv_async_t> idle(nullptr);
  REQUIRE(uv_async_init(loop.uv(), idle.get(), [](uv_async_t*) {}) == 0);
  int ran = 0;
  Work work(loop, [&] { ++ran; });

  SUBCASE("before the loop runs") {}
  SUBCASE("in a deadline") {
    work.deferred.unlink();
    struct Both {
      net::UvLoop& loop;
      Work& work;
    } both{loop, work};
    net::Deadline deadline(loop.timers(), &both, [](void* self) {
      auto* given = static_cast<Both*>(self);
      given->loop.defer(given->work.deferred);
    });
    deadline.set(1);
    net_test::run_until(loop, [&] { return ran == 1; });
  }
  SUBCASE("in a close callback") {
    work.deferred.unlink();
    auto* timer = new uv_timer_t;
    uv_timer_init(loop.uv(), timer);
    struct Both {
      net::UvLoop& loop;
      Work& work;
    } both{loop, work};
    timer->data = &both;
    uv_close(reinterpret_cast<uv_handle_t*>(timer), [](uv_handle_t* handle) {
      auto* given = static_cast<Both*>(handle->data);
      given->loop.defer(given->work.deferred);
      delete reinterpret_cast<uv_timer_t*>(handle);
    });
    net_test::run_until(loop, [&] { return ran == 1; });
  }
  net_test::run_until(loop, [&] { return ran == 1; });
  CHECK(ran == 1);
}

TEST_CASE("UvLoop fires deadlines, not early, and sleeps in between") {
  net::UvLoop loop;
  net::Handle<uv_async_t> idle(nullptr);
  REQUIRE(uv_async_init(loop.uv(), idle.get(), [](uv_async_t*) {}) == 0);
  int turns = 0;
  net::Handle<uv_check_t> check(&turns);
  REQUIRE(uv_check_init(loop.uv(), check.get()) == 0);
  uv_check_start(check.get(),
                 [](uv_check_t* handle) { ++*net::Handle<uv_check_t>::owner_of<int>(handle); });
  struct Fired {
    net::UvLoop& loop;
    bool done = false;
  } fired{loop};
  net::Deadline deadline(loop.timers(), &fired, [](void* self) {
    static_cast<Fired*>(self)->done = true;
    static_cast<Fired*>(self)->loop.stop();
  });
  const uint64_t start_ms = loop.now_ms();
  deadline.set(450);
  loop.run();
  CHECK(fired.done);
  CHECK(loop.now_ms() - start_ms >= 450);
  // One to fall asleep, one to fire; libuv may wake a millisecond early once.
  CHECK(turns <= 4);
}

TEST_CASE("UvLoop::run ends when everything on it is closed, deadlines or not") {
  net::UvLoop loop;
  net::Deadline deadline(loop.timers(), nullptr, [](void*) {});
  deadline.set(60'000);
  net::Handle<uv_async_t> handle(nullptr);
  REQUIRE(uv_async_init(loop.uv(), handle.get(), [](uv_async_t*) {}) == 0);
  Work work(loop, [&] { handle.close(); });
  loop.run();
  CHECK(!handle.is_open());
}

TEST_CASE("the more all queues hold, the less one may, and the less is read for a slow side") {
  using net::Loop;
  Loop loop;
  std::vector<base::BlockPool::Block*> blocks;
  const auto hold = [&](size_t bytes) {
    while (loop.blocks().bytes_in_use() < bytes)
      blocks.push_back(loop.blocks().take());
  };
  CHECK(loop.queue_bytes_max() == net::ByteStream::queue_bytes_high);
  CHECK(loop.queue_bytes_drained() == net::ByteStream::queue_bytes_high / 2);
  CHECK(loop.read_area(Loop::Taker::slow).size() == loop.read_scratch().size());
  hold(Loop::queues_bytes_max / 2);
  CHECK(loop.queue_bytes_max() == net::ByteStream::queue_bytes_high);
  for (int i = 0; i < 32 && loop.queue_bytes_max() > 0; ++i) {
    const size_t before = loop.queue_bytes_max();
    hold(loop.blocks().bytes_in_use() + 64 * 1024);
    CHECK(loop.queue_bytes_max() <= before);
    CHECK(loop.queue_bytes_drained() <= loop.queue_bytes_max() / 2);
    const size_t room = loop.read_area(Loop::Taker::slow).size();
    CHECK(room >= Loop::read_bytes_min);
    CHECK(room <= std::max(Loop::read_bytes_min, loop.queue_bytes_max()));
    CHECK(loop.read_area(Loop::Taker::fast).size() == loop.read_scratch().size());
  }
  CHECK(loop.blocks().bytes_in_use() <= Loop::queues_bytes_max + 128 * 1024);
  CHECK(loop.queue_bytes_drained() == 0);
  CHECK(loop.read_area(Loop::Taker::slow).size() == Loop::read_bytes_min);
  for (base::BlockPool::Block* block : blocks)
    loop.blocks().give_back(block);
  CHECK(loop.queue_bytes_max() == net::ByteStream::queue_bytes_high);
}
