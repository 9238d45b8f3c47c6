#include "policy/rate.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "at_once.h"
#include "policy/reservation.h"

using policy::Rate;

namespace {

constexpr int64_t minute_us = 60'000'000;

// The same bucket, told by its level in 1/(60·10⁶) of what is limited, so that nothing is rounded.
class Bucket {
 public:
  explicit Bucket(int64_t per_minute) : per_minute_(per_minute) {}

  bool take(int64_t cost, int64_t now_us) {
    leak(now_us);
    cost = std::min(cost, per_minute_);
    if (level_ + __int128{cost} * minute_us > __int128{per_minute_} * minute_us) return false;
    level_ += __int128{cost} * minute_us;
    return true;
  }

 private:
  void leak(int64_t now_us) {
    level_ = std::max<__int128>(0, level_ - __int128{now_us - last_us_} * per_minute_);
    last_us_ = now_us;
  }

  int64_t per_minute_;
  __int128 level_ = 0;
  int64_t last_us_ = 0;
};

int passed_of(Rate& rate, int asked, int64_t cost, int64_t now_us) {
  int passed = 0;
  for (int i = 0; i < asked; ++i)
    passed += rate.take(cost, now_us).is_granted ? 1 : 0;
  return passed;
}

}  // namespace

TEST_CASE("a full minute passes at once, whatever the limit, and not one more") {
  for (const int64_t limit : {1, 3, 7, 10, 59, 60, 61, 999, 11'000, 123'457}) {
    CAPTURE(limit);
    Rate rate(limit);
    CHECK(passed_of(rate, static_cast<int>(limit) + 5, 1, 1'700'000'000'123'456) == limit);
  }
}

TEST_CASE("an empty bucket lets one pass each time one has run out of it") {
  Rate rate(60);
  CHECK(passed_of(rate, 100, 1, 0) == 60);
  CHECK_FALSE(rate.take(1, 999'999).is_granted);
  CHECK(rate.take(1, 1'000'000).is_granted);
  CHECK_FALSE(rate.take(1, 1'000'000).is_granted);
  CHECK(passed_of(rate, 100, 1, 11'000'000) == 10);
}

TEST_CASE(
    "a rate is exactly the simple bucket, at random times and costs, where one takes whole "
    "microseconds") {
  std::mt19937_64 random(20261128);
  for (const int64_t limit : {1, 10, 60, 100, 4'000, 200'000, 2'000'000}) {
    CAPTURE(limit);
    Rate rate(limit);
    Bucket bucket(limit);
    int64_t now_us = 1'000'000'000'000;
    int64_t passed = 0;
    for (int i = 0; i < 4000; ++i) {
      now_us += static_cast<int64_t>(random() % (minute_us / 2));
      const int64_t cost = 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
      const bool expected = bucket.take(cost, now_us);
      if (rate.take(cost, now_us).is_granted != expected) FAIL(i);
      passed += expected ? 1 : 0;
    }
    CHECK(passed > 100);
    CHECK(passed < 4000);
  }
}

TEST_CASE("elsewhere a rate never lets more pass than a microsecond more would") {
  std::mt19937_64 random(42);
  for (const int64_t limit : {7, 1'000, 123'457}) {
    CAPTURE(limit);
    Rate rate(limit);
    int64_t now_us = 1'764'000'000'000'000;
    int64_t granted = 0;
    const int64_t begun_us = now_us;
    for (int i = 0; i < 20'000; ++i) {
      now_us += static_cast<int64_t>(random() % static_cast<uint64_t>(3 * minute_us / limit));
      granted += rate.take(1, now_us).is_granted ? 1 : 0;
      const __int128 most = limit + __int128{now_us - begun_us + 1} * limit / minute_us;
      if (granted > most) FAIL(i);
    }
  }
}

TEST_CASE("what is said of a request") {
  Rate rate(60);
  auto first = rate.take(1, 5'000'000);
  CHECK(first.is_granted);
  CHECK(first.remaining == 59);
  CHECK(first.reset_us == 1'000'000);
  CHECK(first.retry_after_us == 0);
  CHECK(passed_of(rate, 59, 1, 5'000'000) == 59);

  auto refused = rate.take(3, 5'000'000);
  CHECK_FALSE(refused.is_granted);
  CHECK(refused.remaining == 0);
  CHECK(refused.reset_us == minute_us);
  CHECK(refused.retry_after_us == 3'000'000);
  CHECK_FALSE(rate.take(3, 7'999'999).is_granted);
  CHECK(rate.look(3, 8'000'000).is_granted);
  CHECK(rate.take(3, 8'000'000).is_granted);
  CHECK(rate.look(0, 8'000'000).is_granted);
}

TEST_CASE("who comes back when told passes") {
  std::mt19937_64 random(7);
  for (const int64_t limit : {1, 7, 60, 11'000, 123'457}) {
    Rate rate(limit);
    int64_t now_us = 1'764'000'000'000'000 + static_cast<int64_t>(random() % 1000);
    for (int i = 0; i < 2000; ++i) {
      const int64_t cost = 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
      const auto decision = rate.take(cost, now_us);
      if (decision.is_granted) continue;
      now_us += decision.retry_after_us;
      if (!rate.take(cost, now_us).is_granted) FAIL(limit);
    }
  }
}

TEST_CASE("what costs more than the bucket holds passes when it is full") {
  Rate rate(100);
  const auto decision = rate.take(5'000, 0);
  CHECK(decision.is_granted);
  CHECK(decision.ticket.cost == 100);
  CHECK(decision.remaining == 0);
  CHECK_FALSE(rate.take(5'000, minute_us - 1).is_granted);
  CHECK(rate.take(5'000, minute_us).is_granted);
}

TEST_CASE("what was not needed comes back, what was needed beyond it is owed") {
  Rate rate(100);
  const auto first = rate.take(80, 0);
  CHECK_FALSE(rate.take(30, 0).is_granted);
  rate.settle(first.ticket, 10, 0);
  const auto second = rate.take(90, 0);
  CHECK(second.is_granted);
  CHECK(second.remaining == 0);

  rate.settle(second.ticket, 290, 0);  // 200 in debt
  CHECK_FALSE(rate.take(1, 2 * minute_us).is_granted);
  CHECK_FALSE(rate.take(0, 2 * minute_us - 1).is_granted);
  CHECK(rate.look(1, 0).remaining == 0);
  CHECK(rate.take(1, 2 * minute_us + 600'000).is_granted);
}

TEST_CASE("a debt without bounds is bounded") {
  Rate rate(1);
  const auto ticket = rate.take(1, 0).ticket;
  rate.settle(ticket, INT64_MAX, 0);
  const auto decision = rate.take(1, 0);
  CHECK_FALSE(decision.is_granted);
  CHECK(decision.retry_after_us > 300LL * 24 * 60 * minute_us);
  CHECK(decision.retry_after_us < 400LL * 24 * 60 * minute_us);
  Rate big(Rate::per_minute_max);
  const auto its = big.take(Rate::per_minute_max, 1'764'000'000'000'000).ticket;
  big.settle(its, INT64_MAX, 1'764'000'000'000'000);
  CHECK_FALSE(big.take(1, 1'764'000'000'000'000).is_granted);
}

TEST_CASE("what has run out of the bucket meanwhile does not come back again") {
  Rate rate(100);
  const auto slow = rate.take(100, 0);
  // A minute later the bucket is full without it, and somebody else takes it all.
  CHECK(rate.take(100, minute_us).is_granted);
  rate.settle(slow.ticket, 0, minute_us);
  CHECK_FALSE(rate.take(1, minute_us).is_granted);
}

TEST_CASE("a rate outlives its process by how far it is ahead") {
  Rate rate(60);
  CHECK(passed_of(rate, 30, 1, 1'000'000) == 30);
  CHECK(rate.ahead_us(1'000'000) == 30'000'000);
  CHECK(rate.ahead_us(minute_us) == 0);
  Rate next(60);
  next.restore(rate.ahead_us(1'000'000), 77'000'000);
  CHECK(passed_of(next, 100, 1, 77'000'000) == 30);
}

TEST_CASE("a reservation that is forgotten gives all back") {
  static int64_t now_us = 0;
  const policy::Clock clock = [] {
    return now_us;
  };
  Rate rate(100);
  {
    const policy::Reservation held(rate, rate.take(100, now_us).ticket, clock);
    CHECK(held.cost() == 100);
    CHECK_FALSE(rate.take(1, now_us).is_granted);
  }
  policy::Reservation<Rate> held(rate, rate.take(100, now_us).ticket, clock);
  policy::Reservation<Rate> moved(std::move(held));
  held.drop();  // NOLINT(bugprone-use-after-move): it has nothing
  CHECK_FALSE(held);
  CHECK_FALSE(rate.take(1, now_us).is_granted);
  moved.settle(40, now_us);
  CHECK_FALSE(moved);
  CHECK(rate.take(60, now_us).remaining == 0);
}

TEST_CASE("two threads, fifty at once, a limit of ten: ten pass, a thousand times") {
  constexpr size_t rounds = 1000;
  std::vector<std::optional<Rate>> rates(rounds);
  for (auto& rate : rates)
    rate.emplace(10);
  std::vector<std::atomic<int>> passed(rounds);
  test::at_once(2, rounds, [&](size_t round) {
    passed[round].fetch_add(passed_of(*rates[round], 25, 1, 1'000'000));
  });
  CHECK(std::all_of(passed.begin(), passed.end(), [](const auto& each) { return each == 10; }));
}

TEST_CASE("threads that ask for long at the same time get the limit, exactly") {
  constexpr int limit = 1'000'000;
  Rate rate(limit);
  std::atomic<int> passed{0};
  test::at_once(2, 1, [&](size_t) { passed.fetch_add(passed_of(rate, limit, 1, 1'000'000)); });
  CHECK(passed == limit);
}

TEST_CASE("five at once against a hundred tokens: one passes where each may take them all") {
  constexpr size_t rounds = 200;
  std::vector<std::optional<Rate>> rates(rounds);
  for (auto& rate : rates)
    rate.emplace(100);
  std::vector<std::atomic<int>> passed(rounds);
  test::at_once(5, rounds, [&](size_t round) {
    passed[round].fetch_add(rates[round]->take(1'500, 0).is_granted ? 1 : 0);
  });
  CHECK(std::all_of(passed.begin(), passed.end(), [](const auto& each) { return each == 1; }));
}

TEST_CASE("threads that take and settle leave what they came to") {
  Rate rate(1'000'000);
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        const auto decision = rate.take(50, 0);
        rate.settle(decision.ticket, 100, 0);
      }
    });
  }
  for (auto& worker : workers)
    worker.join();
  CHECK(rate.look(0, 0).remaining == 200'000);
}

TEST_CASE("what others let pass is recorded, into debt where it must") {
  Rate rate(10);
  for (int i = 0; i < 12; ++i)
    CHECK(rate.record(1, minute_us).cost == 1);
  CHECK_FALSE(rate.take(1, minute_us).is_granted);
  CHECK(rate.take(1, minute_us).retry_after_us == 3 * minute_us / 10);
  const Rate::Ticket ticket = rate.record(4, minute_us);
  rate.settle(ticket, 0, minute_us);
  CHECK(rate.take(1, minute_us).retry_after_us == 3 * minute_us / 10);
  CHECK(rate.record(1'000, minute_us).cost == 10);
}
