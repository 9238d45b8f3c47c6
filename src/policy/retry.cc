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

bool must_not_run_again(const FailedAttempt& attempt) {
  const bool may_run_twice =
      is_idempotent(attempt.method) || attempt.has_idempotency_key || attempt.retry_posts;
  return !may_run_twice && !attempt.refused;
}

bool may_retry(const FailedAttempt& attempt) {
  return obstacle_to_retry(attempt).empty();
}

std::string_view obstacle_to_retry(const FailedAttempt& attempt) {
  if (attempt.was_retry) return "it was sent once more already";
  if (!attempt.connection_reused) return "the connection was a new one";
  if (attempt.response_begun) return "an answer had begun";
  if (!attempt.replayable) return "its body is no longer held";
  if (must_not_run_again(attempt)) return "it may have run, and twice may do harm";
  return {};
}

}  // namespace policy
