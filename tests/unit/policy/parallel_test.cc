#include "policy/parallel.h"

#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "at_once.h"

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
  constexpr uint32_t max = 1'000'000;
  Slots slots(max);
  std::array<std::vector<Slots::Lease>, 2> held;
  std::atomic<size_t> next{0};
  std::atomic<uint32_t> taken{0};
  for (auto& leases : held)
    leases.reserve(max);
  test::at_once(held.size(), 1, [&](size_t) {
    std::vector<Slots::Lease>& mine = held[next.fetch_add(1)];
    for (uint32_t i = 0; i < max; ++i) {
      if (auto lease = slots.take()) mine.push_back(std::move(lease));
    }
    taken.fetch_add(static_cast<uint32_t>(mine.size()));
  });
  CHECK(taken == max);
  CHECK(slots.used() == max);
  for (auto& leases : held)
    leases.clear();
  CHECK(slots.used() == 0);
}

TEST_CASE("what others let pass holds a slot beyond the last one") {
  Slots slots(1);
  const auto first = slots.take();
  {
    const auto second = slots.record();
    CHECK(second);
    CHECK(slots.used() == 2);
  }
  CHECK(slots.used() == 1);
  CHECK_FALSE(slots.take());
}
