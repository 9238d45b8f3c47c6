#include "policy/rate.h"

#include <algorithm>

#include "base/check.h"
#include "base/divide.h"

namespace policy {
namespace {

constexpr int64_t minute_us = 60'000'000;
// Nobody is in debt for longer, and no sum below overflows.
constexpr int64_t debt_minutes_max = 366 * 24 * 60;

}  // namespace

Rate::Rate(int64_t per_minute)
    : per_minute_(per_minute),
      units_each_(base::divide_up(minute_us, std::max<int64_t>(1, per_minute))) {
  base::check_that(per_minute >= 1 && per_minute <= per_minute_max, "a rate within its bounds");
}

// Whole minutes and the rest apart, so that neither product overflows: a minute is less than 1.2e11
// units, and the clock far from 1e8 minutes.
int64_t Rate::to_units(int64_t us) const {
  const int64_t minute = per_minute_ * units_each_;
  return us / minute_us * minute + us % minute_us * minute / minute_us;
}

int64_t Rate::to_us(int64_t units) const {
  const int64_t minute = per_minute_ * units_each_;
  return units / minute * minute_us + base::divide_up(units % minute * minute_us, minute);
}

Rate::Decision Rate::decide(int64_t arrival, int64_t cost, int64_t now) const {
  const int64_t burst = per_minute_ * units_each_;
  const int64_t from = std::max(arrival, now);
  const int64_t taken = std::clamp<int64_t>(cost, 0, per_minute_);
  const int64_t until = from + taken * units_each_;
  Decision decision;
  decision.is_granted = until - now <= burst;
  const int64_t ahead = (decision.is_granted ? until : from) - now;
  decision.remaining = std::max<int64_t>(0, burst - ahead) / units_each_;
  decision.reset_us = to_us(ahead);
  if (decision.is_granted) {
    decision.ticket = {.cost = taken, .until = until};
  } else {
    decision.retry_after_us = to_us(until - now - burst);
  }
  return decision;
}

Rate::Decision Rate::take(int64_t cost, int64_t now_us) {
  const int64_t now = to_units(now_us);
  int64_t arrival = arrival_.load(std::memory_order_relaxed);
  for (;;) {
    const Decision decision = decide(arrival, cost, now);
    if (!decision.is_granted || decision.ticket.cost == 0) return decision;
    if (arrival_.compare_exchange_weak(arrival, decision.ticket.until, std::memory_order_relaxed)) {
      return decision;
    }
  }
}

Rate::Ticket Rate::record(int64_t cost, int64_t now_us) {
  const int64_t now = to_units(now_us);
  const int64_t taken = std::clamp<int64_t>(cost, 0, per_minute_);
  int64_t arrival = arrival_.load(std::memory_order_relaxed);
  int64_t until = 0;
  do {
    until = std::max(arrival, now) + taken * units_each_;
  } while (!arrival_.compare_exchange_weak(arrival, until, std::memory_order_relaxed));
  return {.cost = taken, .until = until};
}

Rate::Decision Rate::look(int64_t cost, int64_t now_us) const {
  return decide(arrival_.load(std::memory_order_relaxed), cost, to_units(now_us));
}

void Rate::settle(const Ticket& ticket, int64_t actual, int64_t now_us) {
  const int64_t now = to_units(now_us);
  const int64_t more = std::max<int64_t>(0, actual) - ticket.cost;
  if (more <= 0) {
    const int64_t back = std::min(-more * units_each_, ticket.until - now);
    if (back > 0) arrival_.fetch_sub(back, std::memory_order_relaxed);
    return;
  }
  const int64_t debt_max = debt_minutes_max * per_minute_;
  const int64_t owed = std::min(more, debt_max) * units_each_;
  int64_t arrival = arrival_.load(std::memory_order_relaxed);
  int64_t next = 0;
  do {
    next = std::min(std::max(arrival, now) + owed, now + debt_max * units_each_);
  } while (!arrival_.compare_exchange_weak(arrival, next, std::memory_order_relaxed));
}

int64_t Rate::ahead_us(int64_t now_us) const {
  const int64_t ahead = arrival_.load(std::memory_order_relaxed) - to_units(now_us);
  return ahead > 0 ? to_us(ahead) : 0;
}

void Rate::restore(int64_t ahead_us, int64_t now_us) {
  const int64_t ahead = std::clamp<int64_t>(ahead_us, 0, debt_minutes_max * minute_us);
  arrival_.store(to_units(now_us) + to_units(ahead), std::memory_order_relaxed);
}

}  // namespace policy
