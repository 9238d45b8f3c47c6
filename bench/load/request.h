#pragma once

// The bytes of a request, made once and sent many times.

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "bench/load/plan.h"

namespace bench::load {

// Between the events of idle streams, where the plan does not say.
inline constexpr uint64_t idle_gap_us = 1'000'000;

// Value, shared by all connections of a thread.
struct Request {
  Scenario scenario = Scenario::chat;
  std::string front;  // the head with the body, or with its beginning
  uint64_t front_body_bytes = 0;
  uint64_t filler_bytes = 0;  // then as much of filler(), again and again
  std::string back;           // then this

  [[nodiscard]] bool wants_events() const {
    return scenario == Scenario::stream || scenario == Scenario::idle;
  }
  [[nodiscard]] bool wants_own_connection() const { return scenario == Scenario::connect; }
};

// What `plan` sends for one of its scenarios.
[[nodiscard]] Request make_request(const Plan& plan, Scenario scenario);

// What uploads are made of: a fixed block of printable text. Lives for ever.
[[nodiscard]] base::Bytes filler();

}  // namespace bench::load
