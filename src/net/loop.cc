#include "net/loop.h"

#include <algorithm>
#include <utility>

#include "net/byte_stream.h"

namespace net {
namespace {

// Of what is left of the queues' room, one queue may hold this part.
constexpr size_t queue_part = 4;
// Of what one may hold, a read may be this part.
constexpr size_t read_part = 2;
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

size_t Loop::queue_bytes_max() const {
  if (is_memory_tight()) return 0;
  const size_t left = queues_bytes_max - std::min(queues_bytes_max, blocks_.bytes_in_use());
  return std::min(ByteStream::queue_bytes_high, left / queue_part);
}

size_t Loop::queue_bytes_drained() const {
  const size_t max = queue_bytes_max();
  return max < 2 * base::BlockPool::block_bytes ? 0 : max / 2;
}

std::span<std::byte> Loop::read_area(Taker taker) {
  const std::span<std::byte> all(*read_);
  if (is_memory_tight()) {
    if (memory_->excess_bytes() > 0) defer(*relief_);
    return all.first(read_bytes_min);
  }
  const size_t room = std::min(all.size(), read_burst_bytes_);
  if (taker == Taker::fast) return all.first(room);
  return all.first(std::clamp(queue_bytes_max() / read_part, read_bytes_min, room));
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
