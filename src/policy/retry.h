#pragma once

// Whether a request whose upstream connection failed may be sent once more.

#include <cstdint>
#include <string_view>

namespace policy {

// What is known of the failed attempt.
struct FailedAttempt {
  bool connection_reused = false;  // it had served before, or waited idle
  bool response_begun = false;     // some byte of a response was seen
  bool replayable = false;         // the whole body sent so far is still held
  bool was_retry = false;          // already the second attempt
  std::string_view method;
  bool has_idempotency_key = false;
  uint64_t since_sent_ms = 0;  // from the request's first byte to the failure
  bool retry_posts = false;    // the route says that a request may run twice
};

// A connection that dies later than this after the request was sent did not die of the reuse race:
// the request may have run.
inline constexpr uint64_t reuse_race_ms_max = 1'000;

// Once, on a reused connection, with no byte of an answer; a request that is not idempotent
// (RFC 9110 9.2.2) only where it can hardly have run: an idle connection that the upstream had
// already closed fails at once. Pure.
[[nodiscard]] bool may_retry(const FailedAttempt& attempt);

}  // namespace policy
