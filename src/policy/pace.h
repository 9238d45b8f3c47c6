#pragma once

// Whether a client moves its bytes fast enough. A byte now and then is no silence, but it holds a
// connection just as long. Judged over windows of the longest silence allowed, so that a stall
// within one is forgiven. No clock, no sockets: times and counts in, a verdict out.

#include <cstdint>

namespace policy {

// Value. Of a client that sends.
class SendingPace {
 public:
  // A window begins, unless one runs. Times are of any clock that does not say 0.
  void begin(uint64_t now_ms);
  // It is made to wait, or done: what has come in this window says nothing.
  void stop() { begun_ms_ = 0; }
  void add(uint64_t bytes) { bytes_ += bytes; }
  // Ends a window of `window_ms` that is over: whether it had less than `bytes_per_s`. False, and
  // nothing ends, before.
  [[nodiscard]] bool ends_too_slow(uint64_t now_ms, uint64_t window_ms, uint64_t bytes_per_s);

 private:
  uint64_t begun_ms_ = 0;  // 0: no window runs
  uint64_t bytes_ = 0;
};

// Value. Of a client that reads what we send: `queued` are the bytes that wait for it, `sent` those
// that were put there in all.
class ReadingPace {
 public:
  // A window begins.
  void begin(uint64_t queued, uint64_t sent);
  // At the end of a window: whether it took less than `bytes_min`, and less than half of what had
  // waited when the window began. Who reads all there is may do so at any pace.
  [[nodiscard]] bool is_too_slow(uint64_t queued, uint64_t sent, uint64_t bytes_min) const;

 private:
  uint64_t begun_queued_ = 0;
  uint64_t begun_sent_ = 0;
};

}  // namespace policy
