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
  return attempt.connection_reused && !attempt.response_begun && attempt.replayable &&
         !attempt.was_retry && !must_not_run_again(attempt);
}

}  // namespace policy
