#include "policy/pace.h"

#include <algorithm>

namespace policy {

void SendingPace::begin(uint64_t now_ms) {
  if (begun_ms_ != 0) return;
  begun_ms_ = now_ms;
  bytes_ = 0;
}

bool SendingPace::ends_too_slow(uint64_t now_ms, uint64_t window_ms, uint64_t bytes_per_s) {
  if (begun_ms_ == 0 || now_ms - begun_ms_ < window_ms) return false;
  begun_ms_ = 0;
  return bytes_ < bytes_per_s * window_ms / 1000;
}

void ReadingPace::begin(uint64_t queued, uint64_t sent) {
  begun_queued_ = queued;
  begun_sent_ = sent;
}

bool ReadingPace::is_too_slow(uint64_t queued, uint64_t sent, uint64_t bytes_min) const {
  const uint64_t offered = begun_queued_ + sent - begun_sent_;
  const uint64_t taken = offered > queued ? offered - queued : 0;
  // Half of what waited: what TLS adds is in the queue but not in what was sent.
  return taken < std::max<uint64_t>(1, std::min(bytes_min, begun_queued_ / 2));
}

}  // namespace policy
