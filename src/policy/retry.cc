#include "policy/retry.h"

#include <algorithm>
#include <array>

namespace policy {
namespace {

bool is_idempotent(std::string_view method) {
  static constexpr std::array<std::string_view, 6> methods = {
      "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

}  // namespace

bool may_retry(const FailedAttempt& attempt) {
  if (!attempt.connection_reused || attempt.response_begun || !attempt.replayable ||
      attempt.was_retry) {
    return false;
  }
  return is_idempotent(attempt.method) || attempt.has_idempotency_key || attempt.retry_posts ||
         attempt.since_sent_ms <= reuse_race_ms_max;
}

}  // namespace policy
