#pragma once

// The OpenAI-like upstream: cheap enough that a proxy before it is the bottleneck.
//
//   POST /v1/chat/completions    JSON reply, or SSE when the body says "stream": true; also
//   POST /v1/responses, /v1/completions, and /v1/embeddings without SSE
//   GET  /v1/models              a list
//   GET  /bench/bytes/N          N bytes, application/octet-stream
//   GET  /bench/counts           Counts up to now, as JSON
//   POST /v1/files               reads the body, answers as the API does, and with its SHA-256
//   POST, PUT of any other path  reads the body, answers {"bytes": n, "sha256": "…"}
// Everything else is 404 or 405 in the API's error shape.
//
// The query of a request overrides the options; what cannot be read is answered 400:
//   reply_bytes=N  tokens=N  token_bytes=N  gap_us=N  jitter_us=N  think_us=N
//   hash=0         leaves the SHA-256 of an upload out, which costs more than all else
//   fault=KIND     reset, stall, truncate, 429 or 500, for this request alone
//   fault_after=N  the bytes of the response, head included, before a reset, stall or truncation;
//                  0: nothing is sent. Otherwise the seed decides.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bench::serve {

enum class FaultKind : uint8_t {
  reset,       // RST, before the head or within the response
  stall,       // a part of the response, then nothing for ever
  truncate,    // a part of the response, then an end in good order (TLS: with close_notify)
  status_429,  // with Retry-After
  status_500,
};
inline constexpr size_t fault_kinds = static_cast<size_t>(FaultKind::status_500) + 1;

struct Fault {
  FaultKind kind = FaultKind::reset;
  double rate = 0;  // 0..1, of the requests
};

// A kind as the query names it: "reset", "429". Static text.
[[nodiscard]] std::string_view fault_name(FaultKind kind);
// Nothing for a name that is none.
[[nodiscard]] std::optional<FaultKind> fault_of(std::string_view name);

// Value. Times are microseconds.
struct Options {
  std::string listen = "127.0.0.1:9100";  // port 0: any
  uint32_t threads = 1;
  std::string certificate_file;  // both empty: plain HTTP
  std::string key_file;
  uint64_t reply_bytes = 1150;  // of a JSON reply's body; its shape takes about 300
  uint64_t tokens = 100;        // events of a stream before usage and [DONE]
  uint64_t token_bytes = 220;   // of one of them, with its blank line; its shape takes about 200
  uint64_t gap_us = 0;          // between events; 0: each as soon as the last is written
  uint64_t jitter_us = 0;       // added to a gap, uniform 0..jitter
  uint64_t think_us = 0;        // before the head
  std::vector<Fault> faults;    // their rates add up to 1 at most
  uint64_t seed = 1;            // of jitter and faults: the n-th request always fares the same
};

// Value. What a server has done since its start.
struct Counts {
  uint64_t connections = 0;
  uint64_t requests = 0;   // whose head was understood
  uint64_t events = 0;     // SSE events, [DONE] included
  uint64_t bytes_in = 0;   // of request bodies
  uint64_t bytes_out = 0;  // of responses, heads included, before TLS
  std::array<uint64_t, fault_kinds> faults{};
};

// What is wrong with the options themselves, as a sentence that says what to do.
[[nodiscard]] std::optional<std::string> problem_of(const Options& options);

// Serves until `*stop`; blocks, and ends within 100 ms of it. `on_listening(port)` is called once
// all threads accept. Raises the process's soft limit of descriptors. tls::init() must have been
// called, and SIGPIPE be ignored. The error says what to do: address taken, certificate not
// readable, or a problem_of() the options.
[[nodiscard]] base::Result<Counts, std::string> serve(
    const Options& options,
    const std::function<void(uint16_t port)>& on_listening,
    const std::atomic<bool>& stop);

}  // namespace bench::serve
