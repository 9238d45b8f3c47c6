#pragma once

// Waits of microseconds and more, by the thousand: what the loop's timer wheel is too coarse for.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "net/handle.h"
#include "net/uv_loop.h"

namespace bench {

class FineTimers;

// Resource, a member of what waits; the name tells it from net::Deadline. Fires once for each
// set(), never early.
class FineTimer {
 public:
  using Fire = void (*)(void* owner);
  // `fire(owner)` is called from the loop, with the timer already cleared.
  FineTimer(FineTimers& timers, void* owner, Fire fire)
      : timers_(timers), owner_(owner), fire_(fire) {}
  ~FineTimer() { clear(); }
  FineTimer(const FineTimer&) = delete;
  FineTimer& operator=(const FineTimer&) = delete;
  FineTimer(FineTimer&&) = delete;
  FineTimer& operator=(FineTimer&&) = delete;

  // Fires in `delay_ns` from now, instead of whenever it was set to before. 0: in the loop's next
  // turn, after sockets had theirs.
  void set(uint64_t delay_ns);
  void clear();
  [[nodiscard]] bool is_set() const { return place_ != unset; }

 private:
  friend class FineTimers;
  static constexpr size_t unset = SIZE_MAX;

  FineTimers& timers_;
  void* owner_;
  Fire fire_;
  size_t place_ = unset;  // in the heap
};

// Resource, one per loop, on its thread: one timerfd and a heap. Outlives its FineTimers.
class FineTimers {
 public:
  explicit FineTimers(net::UvLoop& loop);
  ~FineTimers();
  FineTimers(const FineTimers&) = delete;
  FineTimers& operator=(const FineTimers&) = delete;
  FineTimers(FineTimers&&) = delete;
  FineTimers& operator=(FineTimers&&) = delete;

  // Fires nothing from now on, so that the loop can end. Idempotent.
  void close();

  // Monotonic nanoseconds, never 0.
  [[nodiscard]] static uint64_t now_ns();

 private:
  friend class FineTimer;
  struct Entry {
    uint64_t due_ns;
    FineTimer* timer;
  };

  void add(FineTimer& timer, uint64_t due_ns);
  void remove(FineTimer& timer);
  void put(size_t place, Entry entry);
  void sift_up(size_t place);
  void sift_down(size_t place);
  void fire_due();
  void arm();

  base::Fd clock_;
  net::Handle<uv_poll_t> poll_;
  std::vector<Entry> heap_;
  uint64_t armed_ns_ = 0;  // when the clock goes off; 0: it does not
  bool firing_ = false;
};

}  // namespace bench
