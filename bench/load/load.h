#pragma once

// Runs a Plan.

#include <atomic>
#include <functional>
#include <string>

#include "base/result.h"
#include "bench/load/measures.h"
#include "bench/load/plan.h"

namespace bench::load {

// A run's counts so far, for a progress line.
struct Progress {
  uint64_t elapsed_ns = 0;
  Sample last_second;
  uint64_t requests = 0;
  uint64_t failed = 0;
  uint32_t open_requests = 0;
};

// Starts plan.threads loops, drives them to the end of the plan and joins them. Blocks; calls
// `on_progress` about once a second on the calling thread. `*stop` ends it early, within 100 ms
// (set it from a signal handler). The error says what to do: no address, a CA file that cannot be
// read, a process that does not exist.
[[nodiscard]] base::Result<Outcome, std::string> run_load(
    const Plan& plan,
    const std::function<void(const Progress&)>& on_progress,
    const std::atomic<bool>& stop);

}  // namespace bench::load
