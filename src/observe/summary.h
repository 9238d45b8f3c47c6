#pragma once

// What is known of one exchange when it has ended: the one source of its log line and its metrics.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace observe {

// How an exchange ended.
enum class Outcome : uint8_t {
  complete,         // the upstream's response went out whole
  local,            // we answered ourselves
  client_left,      // the client went away first
  upstream_failed,  // no response, or one that broke off
  timeout,          // a deadline of ours passed
  cut,              // ended by us: drain deadline, stop
};
inline constexpr size_t outcomes = static_cast<size_t>(Outcome::cut) + 1;
[[nodiscard]] std::string_view outcome_name(Outcome outcome);

// `input` has those that were cached or written to a cache, `output` those of reasoning.
struct Tokens {
  int64_t input = 0;
  int64_t cached = 0;
  int64_t cache_written = 0;
  int64_t output = 0;
  int64_t reasoning = 0;
};

// Value, filled along the way. The views live as long as the exchange's heads. Times are
// milliseconds of the loop's clock; 0: never happened.
struct Summary {
  std::string_view client_address;
  std::string_view method;
  std::string_view path;      // without its query, which may hold secrets
  std::string_view upstream;  // its name in the configuration; empty for local answers
  std::string_view request_id;
  std::string_view client;  // of the configuration's, as key and model; empty: none
  std::string_view key;
  std::string_view model;
  std::string_view error_code;  // of a local answer, or why the upstream failed
  uint16_t status = 0;          // sent to the client; 0: none
  uint64_t bytes_up = 0;        // body bytes from the client
  uint64_t bytes_down = 0;      // body bytes to the client
  uint64_t started_ms = 0;
  uint64_t first_byte_ms = 0;  // of the final response head
  uint64_t ended_ms = 0;
  Tokens tokens;             // what the upstream said, or what it is taken to be
  int64_t nano_dollars = 0;  // by list prices
  bool is_metered = false;   // the upstream said so
  bool is_unpriced = false;  // tokens without a known price
  uint8_t attempts = 0;      // upstream connections tried
  bool reused = false;       // the last one had served before
  Outcome outcome = Outcome::complete;
};

}  // namespace observe
