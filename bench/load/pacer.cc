#include "bench/load/pacer.h"

#include <algorithm>
#include <cmath>

namespace bench::load {
namespace {

constexpr double ns_per_s = 1e9;

}  // namespace

Pacer::Pacer(const Options& options)
    : options_(options),
      ramp_s_(static_cast<double>(options.ramp_ns) / ns_per_s),
      // Reproducible, yet different for each thread.
      random_(options.thread + 1),
      gap_s_(options.rate / options.threads) {
  if (options_.arrivals == Arrivals::poisson) {
    poisson_s_ = gap_s_(random_);
    due_ns_ = at(poisson_s_);
  } else {
    due_ns_ = at(options_.thread / options_.rate);
  }
}

void Pacer::advance() {
  uint64_t next = 0;
  if (options_.arrivals == Arrivals::poisson) {
    poisson_s_ += gap_s_(random_);
    next = at(poisson_s_);
  } else {
    ++count_;
    const uint64_t arrival = count_ * options_.threads + options_.thread;
    next = at(static_cast<double>(arrival) / options_.rate);
  }
  due_ns_ = std::max(due_ns_, next);
}

// While the rate r grows over R seconds, r t² / 2R arrivals have come by t: what a full rate brings
// in u seconds comes at t = sqrt(2 R u), until t = R, and R / 2 late from then on.
uint64_t Pacer::at(double seconds_at_full_rate) const {
  const double u = seconds_at_full_rate;
  const double t = u < ramp_s_ / 2 ? std::sqrt(2 * ramp_s_ * u) : u + ramp_s_ / 2;
  return static_cast<uint64_t>(std::llround(t * ns_per_s));
}

}  // namespace bench::load
