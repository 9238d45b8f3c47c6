// Waits on a real loop and a real clock; only lower bounds are tested.
#include "bench/base/fine_timers.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "bench/base/chance.h"
#include "net/uv_loop.h"

using bench::FineTimer;
using bench::FineTimers;

namespace {

constexpr uint64_t us = 1000;

// Notes when its timer went off.
struct Sleeper {
  explicit Sleeper(FineTimers& timers)
      : timer(timers, this, [](void* self) {
          auto& sleeper = *static_cast<Sleeper*>(self);
          ++sleeper.fired;
          sleeper.woke_ns = FineTimers::now_ns();
          if (sleeper.again_ns != 0) sleeper.start(sleeper.again_ns);
        }) {}

  void start(uint64_t delay_ns) {
    due_ns = FineTimers::now_ns() + delay_ns;
    timer.set(delay_ns);
    due_ns_max = FineTimers::now_ns() + delay_ns;
  }

  FineTimer timer;
  uint64_t due_ns = 0;      // not before: the clock is read just before set() does,
  uint64_t due_ns_max = 0;  // and again just after
  uint64_t woke_ns = 0;
  uint64_t again_ns = 0;
  int fired = 0;
};

}  // namespace

TEST_CASE("timers go off in the order they are due, never early, each once") {
  net::UvLoop loop;
  FineTimers timers(loop);
  std::vector<std::unique_ptr<Sleeper>> sleepers;
  uint64_t chance = 1;
  for (int i = 0; i < 2000; ++i) {
    sleepers.push_back(std::make_unique<Sleeper>(timers));
    sleepers.back()->start(bench::next_chance(chance) % (20'000 * us));
  }
  // Set anew, earlier or later, and taken back.
  for (size_t i = 0; i < sleepers.size(); i += 3)
    sleepers[i]->start(bench::next_chance(chance) % (20'000 * us));
  for (size_t i = 0; i < sleepers.size(); i += 7)
    sleepers[i]->timer.clear();
  const auto waiting = [&] {
    return std::any_of(
        sleepers.begin(), sleepers.end(), [](const auto& one) { return one->timer.is_set(); });
  };
  while (waiting())
    loop.run_once();
  std::vector<const Sleeper*> fired;
  for (size_t i = 0; i < sleepers.size(); ++i) {
    REQUIRE(sleepers[i]->fired == (i % 7 == 0 ? 0 : 1));
    if (sleepers[i]->fired == 1) fired.push_back(sleepers[i].get());
  }
  std::sort(fired.begin(), fired.end(), [](const Sleeper* a, const Sleeper* b) {
    return a->woke_ns < b->woke_ns;
  });
  for (size_t i = 0; i < fired.size(); ++i) {
    REQUIRE(fired[i]->woke_ns >= fired[i]->due_ns);
    if (i > 0) REQUIRE(fired[i]->due_ns_max >= fired[i - 1]->due_ns);
  }
}

TEST_CASE("a timer set from within its own turn waits for another turn") {
  net::UvLoop loop;
  FineTimers timers(loop);
  Sleeper busy(timers);
  Sleeper other(timers);
  busy.again_ns = 1;
  busy.start(0);
  other.start(500 * us);
  while (other.fired == 0)
    loop.run_once();
  CHECK(busy.fired >= 1);
  CHECK(busy.timer.is_set());
}

TEST_CASE("waits of less than a millisecond, and an hour that is taken back") {
  net::UvLoop loop;
  FineTimers timers(loop);
  Sleeper late(timers);
  late.start(uint64_t{3600} * 1000 * 1000 * us);
  Sleeper soon(timers);
  const uint64_t begin = FineTimers::now_ns();
  for (int i = 0; i < 20; ++i) {
    soon.start(100 * us);
    while (soon.fired <= i)
      loop.run_once();
  }
  CHECK(FineTimers::now_ns() - begin >= 20 * 100 * us);
  CHECK(late.timer.is_set());
  late.timer.clear();
  CHECK(late.fired == 0);
}
