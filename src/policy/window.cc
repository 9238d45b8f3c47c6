#include "policy/window.h"

#include <algorithm>

#include "base/check.h"
#include "policy/calendar.h"

namespace policy {
namespace {

// Workers' clocks, and one that is being adjusted, may be a little behind a window's beginning.
constexpr int64_t clock_behind_s_max = 60;

}  // namespace

Window::Window(int64_t limit, config::Period period, const base::TimeZone& zone)
    : limit_(limit), period_(period), zone_(zone) {
  base::check_that(limit >= 1, "a window's limit is positive");
}

bool Window::is_over(const Span& span, int64_t now_s) {
  return now_s >= span.ends_s.load(std::memory_order_relaxed) ||
         now_s < span.begun_s.load(std::memory_order_relaxed) - clock_behind_s_max;
}

Window::Decision Window::decide(int64_t taken, int64_t cost, int64_t resets_s) const {
  const int64_t wanted = std::clamp<int64_t>(cost, 0, limit_);
  Decision decision;
  decision.is_granted = taken < limit_ && wanted <= limit_ - taken;
  const int64_t left = std::clamp<int64_t>(limit_ - taken, 0, limit_);
  decision.remaining = decision.is_granted ? left - wanted : left;
  decision.resets_s = resets_s;
  decision.ticket.cost = decision.is_granted ? wanted : 0;
  return decision;
}

// With turning_ held. Published last: whoever sees the number sees the rest.
uint64_t Window::begin(int64_t begun_s, int64_t ends_s, int64_t used) {
  const uint64_t next = current_.load(std::memory_order_relaxed) + 1;
  Span& fresh = span(next);
  fresh.begun_s.store(begun_s, std::memory_order_relaxed);
  fresh.ends_s.store(ends_s, std::memory_order_relaxed);
  fresh.taken.store(used, std::memory_order_relaxed);
  fresh.used.store(used, std::memory_order_relaxed);
  current_.store(next, std::memory_order_release);
  return next;
}

// The number of the window that runs now; begins it where none does.
uint64_t Window::number_of_now(int64_t now_s) {
  uint64_t number = current_.load(std::memory_order_acquire);
  if (!is_over(span(number), now_s)) return number;
  const std::lock_guard lock(turning_);
  number = current_.load(std::memory_order_acquire);
  const Span& former = span(number);
  if (!is_over(former, now_s)) return number;
  Bounds bounds{now_s, now_s + period_.rolling_s};
  if (period_.kind != config::Period::Kind::rolling) {
    bounds = calendar_bounds(period_.kind, zone_, now_s);
  }
  // A clock that was set back gives nobody a fresh budget.
  const bool is_set_back = now_s < former.ends_s.load(std::memory_order_relaxed);
  return begin(
      bounds.begun_s, bounds.ends_s, is_set_back ? former.used.load(std::memory_order_relaxed) : 0);
}

Window::Decision Window::reserve(int64_t cost, int64_t now_s) {
  const uint64_t number = number_of_now(now_s);
  Span& its = span(number);
  const int64_t ends_s = its.ends_s.load(std::memory_order_relaxed);
  int64_t taken = its.taken.load(std::memory_order_relaxed);
  for (;;) {
    Decision decision = decide(taken, cost, ends_s);
    if (!decision.is_granted) return decision;
    decision.ticket.number = number;
    if (its.taken.compare_exchange_weak(
            taken, taken + decision.ticket.cost, std::memory_order_relaxed)) {
      return decision;
    }
  }
}

Window::Ticket Window::record(int64_t cost, int64_t now_s) {
  const uint64_t number = number_of_now(now_s);
  const int64_t wanted = std::clamp<int64_t>(cost, 0, limit_);
  span(number).taken.fetch_add(wanted, std::memory_order_relaxed);
  return {.cost = wanted, .number = number};
}

Window::Decision Window::look(int64_t cost, int64_t now_s) const {
  const Span& its = span(current_.load(std::memory_order_acquire));
  if (!is_over(its, now_s)) {
    return decide(its.taken.load(std::memory_order_relaxed),
                  cost,
                  its.ends_s.load(std::memory_order_relaxed));
  }
  const bool is_rolling = period_.kind == config::Period::Kind::rolling;
  return decide(0, cost, is_rolling ? 0 : calendar_bounds(period_.kind, zone_, now_s).ends_s);
}

void Window::settle(const Ticket& ticket, int64_t actual, int64_t now_s) {
  const int64_t came_to = std::max<int64_t>(0, actual);
  Span& its = span(ticket.number);
  if (ticket.number == current_.load(std::memory_order_acquire) && !is_over(its, now_s)) {
    its.taken.fetch_add(came_to - ticket.cost, std::memory_order_relaxed);
    its.used.fetch_add(came_to, std::memory_order_relaxed);
    return;
  }
  const int64_t beyond = came_to - ticket.cost;
  if (beyond <= 0) return;
  Span& now = span(number_of_now(now_s));
  now.taken.fetch_add(beyond, std::memory_order_relaxed);
  now.used.fetch_add(beyond, std::memory_order_relaxed);
}

int64_t Window::used(int64_t now_s) const {
  const Span& its = span(current_.load(std::memory_order_acquire));
  return is_over(its, now_s) ? 0 : its.taken.load(std::memory_order_relaxed);
}

Window::State Window::state(int64_t now_s) const {
  const Span& its = span(current_.load(std::memory_order_acquire));
  if (is_over(its, now_s)) return {};
  return {its.begun_s.load(std::memory_order_relaxed), its.used.load(std::memory_order_relaxed)};
}

bool Window::add(const State& before, int64_t now_s) {
  const std::lock_guard lock(turning_);
  Span& its = span(current_.load(std::memory_order_acquire));
  if (!is_over(its, now_s)) {
    if (its.begun_s.load(std::memory_order_relaxed) != before.begun_s) return false;
    its.taken.fetch_add(before.used, std::memory_order_relaxed);
    its.used.fetch_add(before.used, std::memory_order_relaxed);
    return true;
  }
  Bounds bounds{before.begun_s, before.begun_s + period_.rolling_s};
  if (period_.kind != config::Period::Kind::rolling) {
    // Of another time zone, its beginning may be another one of the same day.
    bounds = calendar_bounds(period_.kind, zone_, now_s);
    if (before.begun_s < bounds.begun_s || before.begun_s >= bounds.ends_s) return false;
  } else if (now_s >= bounds.ends_s || now_s < bounds.begun_s - clock_behind_s_max) {
    return false;
  }
  begin(bounds.begun_s, bounds.ends_s, before.used);
  return true;
}

}  // namespace policy
