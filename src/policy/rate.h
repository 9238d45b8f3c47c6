#pragma once

// So much a minute, exact for all threads together: GCRA (a leaky bucket told by one number). The
// bucket holds a whole minute, so 60 a minute lets 60 pass at once, then one a second. What was
// taken and not needed comes back, what was needed beyond it is owed. No clock in here.

#include <atomic>
#include <cstdint>

namespace policy {

// Resource, one per limit, shared by all workers; any thread, no locks. Times are microseconds of
// one clock that does not go back (the loops' own will do: a few milliseconds between threads harm
// nothing).
class Rate {
 public:
  // As much can be had at most: what comes beyond is the same limit.
  static constexpr int64_t per_minute_max = 100'000'000'000;

  // What take() took, for settle().
  struct Ticket {
    int64_t cost = 0;   // as far as the bucket holds it
    int64_t until = 0;  // where in the bucket's time it ends
  };
  // What to say of a request. The last three are as x-ratelimit-remaining, -reset and Retry-After
  // have them, after this request.
  struct Decision {
    bool is_granted = false;
    int64_t remaining = 0;       // may be had at once
    int64_t reset_us = 0;        // from now until the bucket is full again
    int64_t retry_after_us = 0;  // from now until the refused request would pass; 0 where granted
    Ticket ticket = {};          // of a granted one
  };

  // `per_minute` from 1 to per_minute_max.
  explicit Rate(int64_t per_minute);

  // Takes `cost`, or as much as the bucket can hold, so that a big request passes when it is full.
  // A refused one takes nothing. A cost of 0 is refused only by a bucket in debt.
  [[nodiscard]] Decision take(int64_t cost, int64_t now_us);
  // Takes it whatever there is, into debt where it must: somebody else has let it pass.
  [[nodiscard]] Ticket record(int64_t cost, int64_t now_us);
  // What take() would answer; takes nothing.
  [[nodiscard]] Decision look(int64_t cost, int64_t now_us) const;

  // Ends what was taken, once: `actual` is what it came to, more or less. What was not needed is
  // given back as far as it has not run out of the bucket since, or a long stream would be worth a
  // second minute.
  void settle(const Ticket& ticket, int64_t actual, int64_t now_us);

  [[nodiscard]] int64_t per_minute() const { return per_minute_; }

  // The state as it outlives a process: how far ahead of now the bucket is; 0: full. restore()
  // takes it, less what time has passed since, before anybody else uses this.
  [[nodiscard]] int64_t ahead_us(int64_t now_us) const;
  void restore(int64_t ahead_us, int64_t now_us);

 private:
  [[nodiscard]] int64_t to_units(int64_t us) const;
  [[nodiscard]] int64_t to_us(int64_t units) const;
  [[nodiscard]] Decision decide(int64_t arrival, int64_t cost, int64_t now_us) const;

  // Time is counted in units of which one of what is limited takes a whole number, or seven a
  // minute could not be exact; a unit is never longer than a microsecond.
  int64_t per_minute_;
  int64_t units_each_;
  // The theoretical arrival time: when the bucket will be full again.
  std::atomic<int64_t> arrival_{0};
};

}  // namespace policy
