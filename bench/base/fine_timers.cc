#include "bench/base/fine_timers.h"

#include <cerrno>
#include <ctime>
#include <sys/timerfd.h>
#include <utility>

#include "base/check.h"

namespace bench {
namespace {

constexpr uint64_t ns_per_s = 1'000'000'000;

}  // namespace

void FineTimer::set(uint64_t delay_ns) {
  clear();
  timers_.add(*this, FineTimers::now_ns() + delay_ns);
}

void FineTimer::clear() {
  if (is_set()) timers_.remove(*this);
}

uint64_t FineTimers::now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * ns_per_s + static_cast<uint64_t>(now.tv_nsec);
}

FineTimers::FineTimers(net::UvLoop& loop)
    : clock_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)), poll_(this) {
  CHECK(clock_);
  CHECK(uv_poll_init(loop.uv(), poll_.get(), clock_.get()) == 0);
  CHECK(
      uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int /*status*/, int /*events*/) {
        auto* self = net::Handle<uv_poll_t>::owner_of<FineTimers>(poll);
        if (self != nullptr) self->fire_due();
      }) == 0);
}

FineTimers::~FineTimers() {
  CHECK(heap_.empty());
  close();
}

void FineTimers::close() {
  poll_.close();
  clock_.reset();
}

void FineTimers::add(FineTimer& timer, uint64_t due_ns) {
  heap_.push_back({due_ns, &timer});
  timer.place_ = heap_.size() - 1;
  sift_up(timer.place_);
  arm();
}

// Leaves the clock as it is: at worst it goes off for nothing.
void FineTimers::remove(FineTimer& timer) {
  const size_t place = std::exchange(timer.place_, FineTimer::unset);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  sift_up(place);
  sift_down(last.timer->place_);
}

void FineTimers::put(size_t place, Entry entry) {
  heap_[place] = entry;
  entry.timer->place_ = place;
}

void FineTimers::sift_up(size_t place) {
  const Entry entry = heap_[place];
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (heap_[parent].due_ns <= entry.due_ns) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void FineTimers::sift_down(size_t place) {
  const Entry entry = heap_[place];
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due_ns < heap_[child].due_ns) ++child;
    if (heap_[child].due_ns >= entry.due_ns) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

void FineTimers::fire_due() {
  armed_ns_ = 0;
  firing_ = true;
  // What is set meanwhile is due later than this, so the loop ends.
  const uint64_t now = now_ns();
  while (!heap_.empty() && heap_.front().due_ns <= now) {
    FineTimer& timer = *heap_.front().timer;
    remove(timer);
    timer.fire_(timer.owner_);
  }
  firing_ = false;
  arm();
}

// Setting the clock anew also takes back that it went off, which spares a read().
void FineTimers::arm() {
  if (firing_ || !clock_) return;
  const uint64_t due_ns = heap_.empty() ? 0 : heap_.front().due_ns;
  const bool is_early_enough = armed_ns_ != 0 && (due_ns == 0 || armed_ns_ <= due_ns);
  if (is_early_enough) return;
  armed_ns_ = due_ns;
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(due_ns / ns_per_s);
  when.it_value.tv_nsec = static_cast<long>(due_ns % ns_per_s);
  CHECK(timerfd_settime(clock_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

}  // namespace bench
