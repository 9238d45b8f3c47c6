#include "net/loop.h"

#include <algorithm>
#include <utility>

namespace net {
namespace {

// Of one read where memory is tight: what a queue's block holds, or a TLS record.
constexpr size_t tight_read_bytes = base::BlockPool::block_bytes;

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
  if (!is_memory_tight()) return *read_;
  if (memory_->excess_bytes() > 0) defer(*relief_);
  return std::span(*read_).first(tight_read_bytes);
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
