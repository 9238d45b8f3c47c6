#include "policy/parallel.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using policy::Slots;

TEST_CASE("a slot is held as long as its lease, wherever that is moved") {
  Slots slots(2);
  Slots::Lease first = slots.take();
  CHECK(first);
  {
    const Slots::Lease second = slots.take();
    CHECK(second);
    CHECK_FALSE(slots.take());
    CHECK(slots.used() == 2);
  }
  CHECK(slots.used() == 1);
  Slots::Lease moved(std::move(first));
  CHECK(slots.used() == 1);
  moved = slots.take();  // the former one ends
  CHECK(slots.used() == 1);
  moved.end();
  moved.end();
  CHECK(slots.used() == 0);
}

TEST_CASE("fewer slots than are held let nobody in until enough have ended") {
  Slots slots(2);
  auto first = slots.take();
  auto second = slots.take();
  slots.set_max(1);
  first.end();
  CHECK_FALSE(slots.take());
  second.end();
  CHECK(slots.take());
}

TEST_CASE("no more than there are slots, of any number of threads") {
  Slots slots(3);
  std::atomic<int> inside{0};
  std::atomic<bool> too_many{false};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const auto lease = slots.take();
        if (!lease) continue;
        if (inside.fetch_add(1) >= 3) too_many = true;
        inside.fetch_sub(1);
      }
    });
  }
  for (auto& worker : workers)
    worker.join();
  CHECK_FALSE(too_many);
  CHECK(slots.used() == 0);
}
