#include "sim/sender.h"

#include <algorithm>

#include "sim/world.h"

namespace sim {

Sender::Sender(World& world, test::MemoryStream& stream, SenderListener& listener)
    : world_(world),
      stream_(stream),
      listener_(listener),
      step_(this, [](void* self) { static_cast<Sender*>(self)->step(); }),
      nap_(world.kernel().timers(), this, [](void* self) { static_cast<Sender*>(self)->step(); }),
      piece_max_(world.chance().pick<size_t>({300, 5'000, 100'000})) {
  if (world.plan().large_bodies) piece_max_ = std::max<size_t>(piece_max_, 5'000);
}

void Sender::schedule() {
  if (!full_ && !stopped_ && !nap_.is_set()) world_.kernel().defer(step_);
}

void Sender::add(std::string_view bytes) {
  wire_ += bytes;
  schedule();
}

void Sender::release() {
  held_at_ = nowhere;
  schedule();
}

void Sender::break_at(size_t offset, Break how) {
  break_at_ = offset;
  break_ = how;
  schedule();
}

void Sender::on_drained() {
  full_ = false;
  schedule();
}

void Sender::step() {
  if (stopped_ || full_) return;
  if (sent_ == break_at_) {
    stopped_ = true;
    listener_.on_break(break_);
    return;
  }
  const size_t limit = std::min({wire_.size(), held_at_, break_at_});
  if (sent_ == limit) return;
  const size_t size = 1 + world_.chance().below(std::min(limit - sent_, piece_max_));
  const base::Bytes piece = base::as_bytes(std::string_view(wire_).substr(sent_, size));
  sent_ += size;
  full_ = stream_.write({&piece, 1}) == net::Flow::full;
  if (const uint64_t nap_ms = world_.draw_nap_ms(); nap_ms > 0) nap_.set(nap_ms);
  schedule();
  if (all_sent()) listener_.on_all_sent();
}

}  // namespace sim
