#include "net/timer.h"

#include "base/check.h"

namespace net {

Timer::Timer(UvLoop& loop, void* owner, Fire fire) : owner_(owner), fire_(fire), handle_(this) {
  CHECK(uv_timer_init(loop.uv(), handle_.get()) == 0);
}

void Timer::set(uint64_t delay_ms) {
  if (!handle_.is_open()) return;
  uv_timer_start(
      handle_.get(),
      [](uv_timer_t* handle) {
        const auto* const timer = Handle<uv_timer_t>::owner_of<Timer>(handle);
        if (timer != nullptr) timer->fire_(timer->owner_);
      },
      delay_ms,
      0);
}

void Timer::clear() {
  if (handle_.is_open()) uv_timer_stop(handle_.get());
}

bool Timer::is_set() const {
  return handle_.is_open() && uv_is_active(reinterpret_cast<uv_handle_t*>(handle_.get())) != 0;
}

}  // namespace net
