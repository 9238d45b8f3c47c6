#pragma once

// The seconds of a run, put together from what each thread saw of them.

#include <cstdint>
#include <mutex>
#include <vector>

#include "bench/load/load.h"
#include "bench/load/measures.h"

namespace bench::load {

// Value. What one thread saw of one second.
struct SecondPart {
  uint64_t requests = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;
  uint64_t failures = 0;
  uint32_t open_requests = 0;  // at its end
  Histogram total;
};

// Resource, one per run. Any thread.
class Timeline {
 public:
  explicit Timeline(uint32_t threads) : threads_(threads) {}

  // The next second of one thread; each thread gives every second, in order, the first being 0.
  void add(uint32_t second, const SecondPart& part);

  // Sums over the seconds that all threads have given; `elapsed_ns` is left to the caller.
  [[nodiscard]] Progress progress() const;

  // All seconds, the last one cut at `end_ns` from the run's start.
  [[nodiscard]] std::vector<Sample> take(uint64_t end_ns);

 private:
  struct Second {
    Sample sample;
    uint32_t parts = 0;
    uint32_t open_requests = 0;
    Histogram total;  // emptied once all parts are there
  };
  void finish(Second& second);

  mutable std::mutex mutex_;
  std::vector<Second> seconds_;
  Progress progress_;
  uint32_t threads_;
};

}  // namespace bench::load
