#pragma once

// Deadlines without a system timer each: an intrusive wheel, one uv_timer for the whole worker.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/intrusive_list.h"

namespace net {

class Loop;
class TimerWheel;

// Resource, a member of what waits. Fires once, at most one tick (100 ms) late, never early. Moving
// it later is cheap (re-filed lazily when its old slot comes up), so set() per chunk costs nothing.
class Deadline : public base::ListLink<Deadline> {
 public:
  using Fire = void (*)(void* owner);
  // `fire(owner)` is called from the loop, with the deadline already cleared.
  Deadline(TimerWheel& wheel, void* owner, Fire fire) : wheel_(wheel), owner_(owner), fire_(fire) {}
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  Deadline(Deadline&&) = delete;
  Deadline& operator=(Deadline&&) = delete;

  // Fires in `delay_ms` from now, instead of whenever it was set to before.
  void set(uint64_t delay_ms);
  void clear();
  [[nodiscard]] bool is_set() const { return due_ms_ != 0; }

 private:
  friend class TimerWheel;
  TimerWheel& wheel_;
  void* owner_;
  Fire fire_;
  uint64_t due_ms_ = 0;      // 0: not set
  uint64_t filed_tick_ = 0;  // the tick its slot was chosen by
};

// Resource, part of a loop. One thread.
class TimerWheel {
 public:
  static constexpr uint64_t tick_ms = 100;

  // `loop` tells the time and hears when its timer is needed earlier.
  explicit TimerWheel(Loop& loop);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  TimerWheel(TimerWheel&&) = delete;
  TimerWheel& operator=(TimerWheel&&) = delete;

  // Time has passed: fires what is due. Deadlines set from within fire at the next tick earliest.
  void advance(uint64_t now_ms);
  // When advance() next has something to look at; 0: never. May be early (a deadline that has since
  // moved later), not late.
  [[nodiscard]] uint64_t next_ms() const { return next_tick_ * tick_ms; }
  // Nothing is filed.
  [[nodiscard]] bool empty() const { return filed_ == 0; }

 private:
  friend class Deadline;
  static constexpr size_t slots = 1024;  // 102.4 s a round; longer waits go round again
  static uint64_t tick_of(uint64_t due_ms) { return (due_ms + tick_ms - 1) / tick_ms; }
  base::IntrusiveList<Deadline>& slot(uint64_t tick) { return wheel_[tick % slots]; }
  void file(Deadline& deadline);
  void unfile(Deadline& deadline);
  void visit(base::IntrusiveList<Deadline>& slot, uint64_t now_ms);
  [[nodiscard]] uint64_t find_next_tick() const;

  Loop& loop_;
  std::unique_ptr<base::IntrusiveList<Deadline>[]> wheel_;
  uint64_t tick_ = 0;       // the last one advanced to
  uint64_t next_tick_ = 0;  // no filled slot is before it; 0: none is filled
  size_t filed_ = 0;
};

}  // namespace net
