#include "net/deadline.h"

#include <algorithm>

#include "base/check.h"
#include "net/loop.h"

namespace net {

Deadline::~Deadline() {
  wheel_.unfile(*this);
}

void Deadline::set(uint64_t delay_ms) {
  due_ms_ = wheel_.loop_.now_ms() + delay_ms;
  // Filed no later than due: the slot will find out and file it again.
  if (is_linked() && filed_tick_ <= TimerWheel::tick_of(due_ms_)) return;
  wheel_.unfile(*this);
  wheel_.file(*this);
}

void Deadline::clear() {
  // It stays filed: most are set again before their slot comes up.
  due_ms_ = 0;
}

TimerWheel::TimerWheel(Loop& loop)
    : loop_(loop), wheel_(std::make_unique<base::IntrusiveList<Deadline>[]>(slots)) {}

TimerWheel::~TimerWheel() = default;

void TimerWheel::file(Deadline& deadline) {
  if (filed_ == 0) tick_ = std::max(tick_, loop_.now_ms() / tick_ms);
  deadline.filed_tick_ = std::max(tick_of(deadline.due_ms_), tick_ + 1);
  slot(deadline.filed_tick_).push_back(deadline);
  ++filed_;
  if (next_tick_ == 0 || deadline.filed_tick_ < next_tick_) {
    next_tick_ = deadline.filed_tick_;
    loop_.timer_needed_by(next_ms());
  }
}

void TimerWheel::unfile(Deadline& deadline) {
  if (!deadline.is_linked()) return;
  deadline.unlink();
  --filed_;
}

void TimerWheel::advance(uint64_t now_ms) {
  const uint64_t now_tick = now_ms / tick_ms;
  if (now_tick <= tick_) return;
  const uint64_t slots_passed = std::min<uint64_t>(now_tick - tick_, slots);
  // Moved first: what is set by what fires goes behind it.
  tick_ = now_tick;
  for (uint64_t tick = now_tick - slots_passed + 1; tick <= now_tick && filed_ > 0; ++tick) {
    visit(slot(tick), now_ms);
  }
  next_tick_ = find_next_tick();
}

void TimerWheel::visit(base::IntrusiveList<Deadline>& slot, uint64_t now_ms) {
  // Taken out first: whatever fires may file, clear or destroy any deadline.
  base::IntrusiveList<Deadline> passed;
  while (Deadline* deadline = slot.pop_front())
    passed.push_back(*deadline);
  while (Deadline* deadline = passed.pop_front()) {
    --filed_;
    if (deadline->due_ms_ == 0) continue;
    if (deadline->due_ms_ > now_ms) {
      file(*deadline);
      continue;
    }
    deadline->due_ms_ = 0;
    deadline->fire_(deadline->owner_);
  }
}

uint64_t TimerWheel::find_next_tick() const {
  if (filed_ == 0) return 0;
  uint64_t tick = tick_ + 1;
  while (wheel_[tick % slots].empty()) {
    CHECK(tick < tick_ + slots);  // what is filed stands in some slot
    ++tick;
  }
  return tick;
}

}  // namespace net
