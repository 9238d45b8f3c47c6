#pragma once

// When the requests of an open loop are due.

#include <cstdint>
#include <random>

#include "bench/load/plan.h"

namespace bench::load {

// Value, one per thread. Of arrivals at `rate` a second in all, `threads` pacers each give their
// share; times are nanoseconds from the run's start. Constant arrivals are k / rate exactly,
// however long the run: nothing is summed up. During the ramp the rate grows in a straight line
// from 0, so its arrivals are half as many.
class Pacer {
 public:
  struct Options {
    double rate = 1;  // a second, of all threads; > 0
    Arrivals arrivals = Arrivals::constant;
    uint64_t ramp_ns = 0;
    uint32_t thread = 0;  // of `threads`
    uint32_t threads = 1;
  };
  explicit Pacer(const Options& options);

  // When the next request is due. The first of a constant rate is at 0.
  [[nodiscard]] uint64_t due_ns() const { return due_ns_; }
  // That one is taken: on to the one after it. Never earlier than the last.
  void advance();

 private:
  [[nodiscard]] uint64_t at(double seconds_at_full_rate) const;

  Options options_;
  double ramp_s_;
  uint64_t count_ = 0;    // constant: arrivals of this thread so far
  double poisson_s_ = 0;  // sum of the gaps so far
  std::mt19937_64 random_;
  std::exponential_distribution<double> gap_s_;
  uint64_t due_ns_ = 0;
};

}  // namespace bench::load
