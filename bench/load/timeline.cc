#include "bench/load/timeline.h"

#include <algorithm>

namespace bench::load {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;
constexpr double tail_percent = 99;

}  // namespace

void Timeline::add(uint32_t second, const SecondPart& part) {
  const std::lock_guard lock(mutex_);
  if (seconds_.size() <= second) seconds_.resize(second + 1);
  Second& whole = seconds_[second];
  whole.sample.at_ns = (second + uint64_t{1}) * second_ns;
  whole.sample.requests += part.requests;
  whole.sample.events += part.events;
  whole.sample.bytes += part.bytes;
  whole.sample.failures += part.failures;
  whole.open_requests += part.open_requests;
  whole.total.merge(part.total);
  progress_.requests += part.requests;
  progress_.failed += part.failures;
  if (++whole.parts < threads_) return;
  finish(whole);
  progress_.last_second = whole.sample;
  progress_.open_requests = whole.open_requests;
}

void Timeline::finish(Second& second) {
  second.sample.p99_ns = second.total.percentile(tail_percent);
  second.total = Histogram();
}

Progress Timeline::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::vector<Sample> Timeline::take(uint64_t end_ns) {
  const std::lock_guard lock(mutex_);
  std::vector<Sample> samples;
  for (Second& second : seconds_) {
    // Threads end some microseconds apart, so the last second may have begun in some of them only.
    const bool is_begun = second.sample.at_ns < end_ns + second_ns;
    const bool is_empty = second.sample.requests + second.sample.events + second.sample.bytes +
                              second.sample.failures ==
                          0;
    if (!is_begun && is_empty) continue;
    if (second.total.count() > 0) finish(second);
    second.sample.at_ns = std::min(second.sample.at_ns, std::max(end_ns, uint64_t{1}));
    samples.push_back(second.sample);
  }
  return samples;
}

}  // namespace bench::load
