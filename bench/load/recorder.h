#pragma once

// What a load thread has seen: its Measures and its part of the current second.

#include <cstdint>

#include "bench/load/measures.h"
#include "bench/load/timeline.h"

namespace bench::load {

// Value. The measured part of a run, on FineTimers' clock. Before the run begins there is none.
struct Window {
  uint64_t begin_ns = UINT64_MAX;
  uint64_t end_ns = UINT64_MAX;

  [[nodiscard]] bool holds(uint64_t at_ns) const { return at_ns >= begin_ns && at_ns < end_ns; }
};

// Resource, one per load thread, on that thread. Requests count when they *began* in the window,
// however late they end; connections, events and bytes when they *happen* in it, or before the run
// begins. All `now_ns` are the times of what is reported.
class Recorder {
 public:
  Recorder(Timeline& timeline, uint64_t stall_ns) : timeline_(timeline), stall_ns_(stall_ns) {}

  // The run begins at `start_ns`; `window` is its measured part.
  void start(uint64_t start_ns, const Window& window);
  // The window ends earlier than it was to.
  void cut(uint64_t end_ns);
  [[nodiscard]] const Window& window() const { return window_; }

  // Gives seconds that have passed to the timeline. Call it at least once a second.
  void roll(uint64_t now_ns) {
    if (now_ns >= second_end_ns_) [[unlikely]]
      give_seconds(now_ns);
  }
  // Gives the last, begun second.
  void finish(uint64_t now_ns);

  void on_connect(uint64_t now_ns, uint64_t took_ns);
  void on_handshake(uint64_t now_ns, uint64_t took_ns, bool resumed);
  void on_sent(uint64_t now_ns, uint64_t body_bytes);
  // `events` of a stream in one read, the first of them `gap_ns` after the one before it; with
  // `first_after_ns` for a stream's first, counted from the request's start.
  void on_first_events(uint64_t now_ns, uint64_t first_after_ns, uint32_t events, bool measured);
  void on_events(uint64_t now_ns, uint64_t gap_ns, uint32_t events);
  void on_body(uint64_t now_ns, uint64_t bytes);
  void on_first_byte(uint64_t after_ns) { measures_.first_byte.record(after_ns); }
  void on_status(int status);
  void on_success(uint64_t now_ns, uint64_t total_ns, bool measured);
  void on_failure(uint64_t now_ns, Failure failure, bool measured);
  void on_late_start() { ++measures_.late_starts; }
  void on_begun() {
    if (++open_requests_ > open_requests_peak_) open_requests_peak_ = open_requests_;
  }
  void on_over() { --open_requests_; }

  [[nodiscard]] const Measures& measures() const { return measures_; }
  [[nodiscard]] uint32_t open_requests() const { return open_requests_; }
  [[nodiscard]] uint32_t open_requests_peak() const { return open_requests_peak_; }

 private:
  void give_seconds(uint64_t now_ns);
  // Whether what happens now counts although no request began now.
  [[nodiscard]] bool counts(uint64_t now_ns) const {
    return now_ns < start_ns_ || window_.holds(now_ns);
  }

  Timeline& timeline_;
  uint64_t stall_ns_;
  uint64_t start_ns_ = UINT64_MAX;
  Window window_;
  uint64_t second_end_ns_ = UINT64_MAX;
  uint32_t second_ = 0;
  uint32_t open_requests_ = 0;
  uint32_t open_requests_peak_ = 0;
  SecondPart part_;
  Measures measures_;
};

}  // namespace bench::load
