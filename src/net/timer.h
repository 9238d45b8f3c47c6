#pragma once

// A timer of its own, to the millisecond: for the few waits that a Deadline's ticks are too coarse
// for.

#include <cstdint>
#include <memory>

#include "net/handle.h"
#include "net/uv_loop.h"

namespace net {

// Resource, a member of what waits. Fires once. Setting it costs no system call. The loop's thread.
class Timer {
 public:
  using Fire = void (*)(void* owner);
  // `fire(owner)` is called from the loop, with the timer no longer set.
  Timer(UvLoop& loop, void* owner, Fire fire);
  ~Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  Timer(Timer&&) = delete;
  Timer& operator=(Timer&&) = delete;

  // Fires in `delay_ms` from now, instead of whenever it was set to before.
  void set(uint64_t delay_ms);
  void clear();
  [[nodiscard]] bool is_set() const;
  // For good: nothing keeps the loop running any more.
  void close() { handle_.close(); }

 private:
  void* owner_;
  Fire fire_;
  Handle<uv_timer_t> handle_;
};

}  // namespace net
