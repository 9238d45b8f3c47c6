// Deadlines on a manual clock: never early, at most a tick late, whatever is done to them.

#include "net/deadline.h"

#include <memory>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "net/loop.h"

namespace {

struct Timed {
  explicit Timed(net::Loop& timed_loop)
      : loop(timed_loop), deadline(timed_loop.timers(), this, [](void* self) {
          static_cast<Timed*>(self)->on_fire();
        }) {}

  void set(uint64_t delay_ms) {
    deadline.set(delay_ms);
    due_ms = loop.now_ms() + delay_ms;
  }
  void clear() {
    deadline.clear();
    due_ms = 0;
  }
  void on_fire() {
    CHECK(!deadline.is_set());
    REQUIRE(due_ms != 0);
    CHECK(loop.now_ms() >= due_ms);
    ++fired;
    due_ms = 0;
  }

  net::Loop& loop;
  net::Deadline deadline;
  uint64_t due_ms = 0;
  int fired = 0;
};

constexpr uint64_t tick_ms = net::TimerWheel::tick_ms;

}  // namespace

TEST_CASE("a deadline fires once, not before its time and at most a tick after") {
  constexpr uint64_t delays_ms[] = {0, 1, 99, 100, 101, 250, 5'000, 102'399, 102'400, 900'000};
  for (const uint64_t delay_ms : delays_ms) {
    CAPTURE(delay_ms);
    net::Loop loop;
    loop.advance(12'345);
    Timed timed(loop);
    timed.set(delay_ms);
    const uint64_t due_ms = timed.due_ms;
    uint64_t now_ms = 12'345;
    while (timed.fired == 0) {
      loop.advance(now_ms += 7);
      REQUIRE(now_ms <= due_ms + tick_ms + 7);
    }
    loop.advance(now_ms + 1'000'000);
    CHECK(timed.fired == 1);
    CHECK(loop.timers().empty());
  }
}

TEST_CASE("a deadline moved later or earlier keeps only its last time") {
  net::Loop loop;
  loop.advance(1'000);
  Timed timed(loop);
  timed.set(200);
  for (uint64_t now_ms = 1'000; now_ms < 60'000; now_ms += 150) {
    loop.advance(now_ms);
    timed.set(1'000);
    CHECK(timed.fired == 0);
  }
  timed.set(300'000);
  timed.set(500);
  loop.advance(loop.now_ms() + 499);
  CHECK(timed.fired == 0);
  loop.advance(loop.now_ms() + 1 + tick_ms);
  CHECK(timed.fired == 1);
}

TEST_CASE("a cleared deadline does not fire, and may be set again") {
  net::Loop loop;
  Timed timed(loop);
  timed.set(500);
  timed.clear();
  CHECK(!timed.deadline.is_set());
  loop.advance(400);
  timed.set(1'000);
  loop.advance(1'399);
  CHECK(timed.fired == 0);
  loop.advance(1'500);
  CHECK(timed.fired == 1);
}

TEST_CASE("what fires may destroy, clear and set others of the same slot") {
  net::Loop loop;
  struct Group {
    explicit Group(net::Loop& loop)
        : first(loop.timers(), this, [](void* self) { static_cast<Group*>(self)->on_first(); }),
          second(std::make_unique<Timed>(loop)),
          third(loop),
          fourth(loop) {}
    void on_first() {
      second.reset();
      third.clear();
      fourth.set(5'000);
      first.set(0);
      ++fired;
    }
    net::Deadline first;
    std::unique_ptr<Timed> second;
    Timed third;
    Timed fourth;
    int fired = 0;
  };
  Group group(loop);
  group.first.set(100);
  group.second->set(100);
  group.third.set(100);
  group.fourth.set(100);
  loop.advance(300);
  // Set anew from within: the next tick at the earliest.
  CHECK(group.fired == 1);
  CHECK(group.fourth.fired == 0);
  loop.advance(400);
  CHECK(group.fired == 2);
}

TEST_CASE("the wheel says when it next needs a look, so that a driver can sleep until then") {
  struct Driver final : net::Loop {
    void timer_needed_by(uint64_t due_ms) override { wanted_ms.push_back(due_ms); }
    std::vector<uint64_t> wanted_ms;
  };
  Driver loop;
  loop.advance(1'000'000);  // idle for long: the wheel lags behind
  CHECK(loop.timers().next_ms() == 0);
  Timed late(loop);
  Timed soon(loop);
  late.set(75'000);
  CHECK(loop.wanted_ms == std::vector<uint64_t>{1'075'000});
  soon.set(950);
  CHECK(loop.wanted_ms == std::vector<uint64_t>{1'075'000, 1'001'000});
  soon.set(2'000);
  late.set(80'000);
  CHECK(loop.wanted_ms.size() == 2);
  // Driven by what it asks for alone.
  int turns = 0;
  while (loop.timers().next_ms() != 0) {
    REQUIRE(++turns <= 8);
    loop.advance(loop.timers().next_ms());
  }
  CHECK(soon.fired == 1);
  CHECK(late.fired == 1);
  CHECK(loop.now_ms() == 1'080'000);
}

TEST_CASE("ten thousand random steps agree with a list of due times") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  net::Loop loop;
  std::vector<std::unique_ptr<Timed>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(std::make_unique<Timed>(loop));
  uint64_t now_ms = 1;
  for (int step = 0; step < 10'000; ++step) {
    std::unique_ptr<Timed>& timed = all[random() % all.size()];
    switch (random() % 8) {
      case 0:
        timed->clear();
        break;
      case 1:
        timed = std::make_unique<Timed>(loop);
        break;
      case 2:
        timed->set(random() % 400'000);
        break;
      default:
        timed->set(random() % 3'000);
        break;
    }
    now_ms += random() % (random() % 500 == 0 ? 300'000 : 60);
    loop.advance(now_ms);
    for (const auto& each : all) {
      if (each->due_ms != 0) REQUIRE(each->due_ms + tick_ms > now_ms / tick_ms * tick_ms);
    }
  }
}
