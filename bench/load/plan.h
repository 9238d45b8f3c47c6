#pragma once

// What a run is asked to do: made by the command line (main.cc) or by a test, read by everybody.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/url.h"

namespace bench::load {

enum class Scenario : uint8_t {
  chat,      // JSON request, JSON reply
  stream,    // JSON request, SSE reply
  upload,    // a file up, JSON reply
  download,  // GET of a file
  connect,   // chat, each on a connection of its own
  idle,      // streams that are opened, then trickle
  replay,    // the bytes of a file as the request's body, any reply
};

enum class Arrivals : uint8_t { constant, poisson };

// One kind of request of a run; `mixed` is several with weights.
struct Work {
  Scenario scenario = Scenario::chat;
  uint32_t weight = 1;
};

// Value. Durations are nanoseconds, sizes bytes.
struct Plan {
  base::Url target;
  std::vector<Work> works{Work{}};

  // Load: closed loop (each connection asks again when it was answered) unless `rate` is set, then
  // open loop: `rate` requests a second in all, each timed from the moment it was due.
  uint32_t connections = 32;  // open loop: the most at one time
  uint32_t threads = 1;
  double rate = 0;
  Arrivals arrivals = Arrivals::constant;
  uint64_t duration_ns = 10'000'000'000;  // of the measured part, which ends earlier once
  uint64_t requests_max = 0;              // so many requests were measured; 0: no such bound
  uint64_t ramp_ns = 0;                   // connections (or the rate) grow to full over this time
  uint64_t warmup_ns = 0;                 // before the measured part, which then begins
  uint64_t request_timeout_ns = 60'000'000'000;  // of silence

  // The request.
  std::string path;  // empty: the target's, or where that is "/" or "/v1" the scenario's own
  std::vector<std::pair<std::string, std::string>> fields;
  std::string key;  // sent as a bearer token; empty: none. Never printed.
  std::string model = "gpt-bench";
  std::string prompt;  // empty: words, prompt_bytes of them
  uint64_t prompt_bytes = 400;
  uint64_t upload_bytes = 1 << 20;
  bool upload_multipart = true;
  uint64_t download_bytes = 1 << 20;  // asked for in the query: /bench/bytes/N
  std::string replay_body;            // already read
  // What `serve` is asked for, as query parameters; 0: its own default. See serve.h.
  uint64_t reply_bytes = 0;
  uint64_t tokens = 0;
  uint64_t gap_us = 0;

  // TLS.
  bool tls_verify = true;
  std::string ca_file;     // empty: the system's
  bool tls_resume = true;  // false: every handshake is a full one

  uint64_t stall_ns = 1'000'000'000;  // a gap between tokens over this is a stall
  std::string command_line;           // as it was written, secrets masked; empty: there was none
  int watched_pid = 0;  // 0: none, else it and its children are measured, see process_watch.h
};

}  // namespace bench::load
