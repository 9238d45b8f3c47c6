#include "net/loop.h"

#include <algorithm>
#include <utility>

namespace net {
namespace {

// Of one read where memory is tight: what a queue's block holds, or a TLS record.
constexpr size_t tight_read_bytes = base::BlockPool::block_bytes;
// Of all reads in a turn, where they can be kept to it: a few milliseconds' work.
constexpr size_t turn_bytes = 4 << 20;

}  // namespace

Loop::Loop()
    : timers_(*this),
      read_(std::make_unique_for_overwrite<std::array<std::byte, read_scratch_bytes>>()),
      plain_(std::make_unique_for_overwrite<std::array<std::byte, plain_scratch_bytes>>()),
      record_(std::make_unique_for_overwrite<std::array<std::byte, record_scratch_bytes>>()) {}

Loop::~Loop() {
  empty_graveyard();
}

void Loop::defer(Deferred& work) {
  if (!work.is_linked()) deferred_.push_back(work);
}

void Loop::bury(std::unique_ptr<Buried> object) {
  graveyard_.push_back(std::move(object));
}

void Loop::offload(std::unique_ptr<Offloaded> work) {
  offloaded_.push_back(std::move(work));
}

void Loop::watch_memory(const base::MemoryLimit& limit, Deferred& relief) {
  memory_ = &limit;
  relief_ = &relief;
}

std::span<std::byte> Loop::read_area() {
  if (!is_memory_tight())
    return std::span(*read_).first(std::min(read_->size(), read_burst_bytes_));
  if (memory_->excess_bytes() > 0) defer(*relief_);
  return std::span(*read_).first(tight_read_bytes);
}

void Loop::count_plenty() {
  ++plenty_now_;
  share_turn();
}

void Loop::share_turn() {
  const size_t sharers = std::max({plenty_now_, plenty_before_, size_t{1}});
  read_burst_bytes_ = std::clamp(turn_bytes / sharers, read_burst_bytes_min, read_burst_bytes_max);
}

void Loop::advance(uint64_t now_ms) {
  now_ms_ = std::max(now_ms_, now_ms);
  timers_.advance(now_ms);
}

void Loop::end_turn() {
  while (turn_pending()) {
    while (Deferred* work = deferred_.pop_front())
      work->run_(work->owner_);
    run_offloaded();
    empty_graveyard();
  }
  if (plenty_now_ == 0 && plenty_before_ == 0) return;
  // A turn may end twice, and streams pause: it is forgotten step by step.
  plenty_before_ = std::max(std::exchange(plenty_now_, 0), plenty_before_ / 2);
  share_turn();
}

bool Loop::turn_pending() const {
  return !deferred_.empty() || !offloaded_.empty() || !graveyard_.empty();
}

void Loop::run_offloaded() {
  // What it starts runs in the next round.
  for (const std::unique_ptr<Offloaded>& work : std::exchange(offloaded_, {})) {
    work->run();
    work->done();
  }
}

void Loop::empty_graveyard() {
  // Two vectors, since the dying may bury others.
  while (!graveyard_.empty()) {
    std::swap(graveyard_, burying_);
    burying_.clear();
  }
}

}  // namespace net
