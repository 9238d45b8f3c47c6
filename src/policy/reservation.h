#pragma once

// What a request has taken of a Rate or a Window before it is known what it will come to. Whoever
// forgets it, gives all of it back.

#include <cstdint>
#include <utility>

#include "policy/clock.h"

namespace policy {

// Movable value with one owner: a ticket of `Meter` that is yet to be settled, or none. The meter
// outlives it.
template <class Meter>
class Reservation {
 public:
  Reservation() = default;
  // `clock` is the one the meter's times are of; only a dropped reservation asks it.
  Reservation(Meter& meter, const typename Meter::Ticket& ticket, Clock clock)
      : meter_(&meter), ticket_(ticket), clock_(clock) {}
  Reservation(Reservation&& other) noexcept
      : meter_(std::exchange(other.meter_, nullptr)),
        ticket_(other.ticket_),
        clock_(other.clock_) {}
  Reservation& operator=(Reservation&& other) noexcept {
    if (this != &other) {
      drop();
      meter_ = std::exchange(other.meter_, nullptr);
      ticket_ = other.ticket_;
      clock_ = other.clock_;
    }
    return *this;
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() { drop(); }

  explicit operator bool() const { return meter_ != nullptr; }
  // What is held; 0 for none.
  [[nodiscard]] int64_t cost() const { return meter_ == nullptr ? 0 : ticket_.cost; }

  // Ends it: `actual` is what it came to. Nothing where there is none.
  void settle(int64_t actual, int64_t now) {
    Meter* meter = std::exchange(meter_, nullptr);
    if (meter != nullptr) meter->settle(ticket_, actual, now);
  }
  // Ends it; all is given back.
  void drop() {
    if (meter_ != nullptr) settle(0, clock_());
  }

 private:
  Meter* meter_ = nullptr;
  typename Meter::Ticket ticket_ = {};
  Clock clock_ = nullptr;
};

}  // namespace policy
