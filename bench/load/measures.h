#pragma once

// What a run saw: one Measures per thread while it runs, merged when it has ended.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/base/histogram.h"
#include "bench/load/machine.h"

namespace bench::load {

enum class Failure : uint8_t {
  connect,     // no connection
  tls,         // handshake or record layer
  reset,       // torn down before the response was complete
  truncated,   // ended in order before the response was complete
  bad_status,  // anything but 2xx
  bad_sse,     // a stream without its [DONE], or an event that is not one
  bad_http,    // not HTTP/1.1
  timeout,     // silent for Plan::request_timeout_ns
  count_,
};
inline constexpr size_t failure_count = static_cast<size_t>(Failure::count_);

// As it stands in tables and JSON: "bad_status". Static text.
[[nodiscard]] std::string_view failure_name(Failure failure);

// Value, one per thread. Times are nanoseconds.
struct Measures {
  Histogram connect;        // SYN to established
  Histogram tls_handshake;  // established to Finished
  Histogram first_byte;     // due moment (open loop) or send to the response's first byte
  Histogram first_token;    // … to the first SSE event with data
  Histogram token_gap;      // between SSE events of one stream
  Histogram total;          // … to the response's last byte

  // Requests, with their latencies and failures, count when they began in the measured part and
  // were answered up to 5 s after its end; the others when they happened in it, connections also
  // when they were opened before it for it. With Scenario::connect times begin at connecting.
  uint64_t requests = 0;  // answered whole with 2xx
  uint64_t events = 0;    // SSE events, [DONE] included
  uint64_t stalls = 0;    // token gaps over Plan::stall_ns
  uint64_t connections = 0;
  uint64_t tls_resumed = 0;
  uint64_t bytes_in = 0;     // of response bodies
  uint64_t bytes_out = 0;    // of request bodies
  uint64_t late_starts = 0;  // open loop: due, but every connection was busy (timed from due)
  std::array<uint64_t, failure_count> failures{};
  std::vector<uint64_t> statuses;  // count by status code, empty or 600 long

  void merge(const Measures& other);
  [[nodiscard]] uint64_t failed() const;
};

// One second of the run (the last may be shorter).
struct Sample {
  uint64_t at_ns = 0;  // its end, from the run's start
  uint64_t requests = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;  // both directions
  uint64_t failures = 0;
  uint64_t p99_ns = 0;  // of `total`, of that second
};

// A process with its children, as /proc showed it over the measured part of a run.
struct ProcessUse {
  uint64_t cpu_ns = 0;            // user and system, all threads
  uint64_t rss_before_bytes = 0;  // before the run's first connection
  uint64_t rss_bytes = 0;         // at the end
  uint64_t rss_peak_bytes = 0;
  uint32_t threads = 0;
  uint32_t open_fds = 0;
};

// Value: everything a report says.
struct Outcome {
  Measures measures;
  uint64_t elapsed_ns = 0;  // of the measured part
  std::vector<Sample> timeline;
  ProcessUse self;                    // the load tool
  std::optional<ProcessUse> watched;  // Plan::watched_pid
  uint32_t open_streams_peak = 0;     // requests under way at once
  Machine machine;                    // that it ran on, and when it began
  bool interrupted = false;           // by a signal; what was measured stands
};

}  // namespace bench::load
