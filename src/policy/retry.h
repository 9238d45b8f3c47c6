#pragma once

// Whether a request whose upstream connection failed may be sent once more.

#include <string_view>

namespace policy {

// What is known of the failed attempt.
struct FailedAttempt {
  bool connection_reused = false;  // it had served before, or waited idle
  bool response_begun = false;     // some byte of a response was seen
  bool replayable = false;         // the whole body sent so far is still held
  bool was_retry = false;          // already the second attempt
  bool refused = false;            // the upstream is known not to have taken a byte of the request
  std::string_view method = {};
  bool has_idempotency_key = false;
  bool retry_posts = false;  // the route says that a request may run twice
};

// Whether the request may have run, and running it once more may do harm: it is not idempotent
// (RFC 9110 9.2.2), and neither its client nor its route says that it may run twice. Pure.
[[nodiscard]] bool must_not_run_again(const FailedAttempt& attempt);

// Once, on a reused connection, with no byte of an answer, and not where it must not run again.
// Pure.
[[nodiscard]] bool may_retry(const FailedAttempt& attempt);
// Why not, for the log; "" where it may. Static text.
[[nodiscard]] std::string_view obstacle_to_retry(const FailedAttempt& attempt);

}  // namespace policy
