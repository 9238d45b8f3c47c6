#include "policy/retry.h"

#include <doctest/doctest.h>

using policy::FailedAttempt;
using policy::may_retry;

using policy::must_not_run_again;

namespace {

FailedAttempt stale(std::string_view method) {
  return {.connection_reused = true, .replayable = true, .method = method};
}

}  // namespace

TEST_CASE("a request that runs twice without harm and met a stale connection is sent once more") {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}) {
    CAPTURE(method);
    CHECK(may_retry(stale(method)));
    CHECK(!must_not_run_again(stale(method)));
  }
}

TEST_CASE("never on a fresh connection, twice, after an answer began or without its body") {
  FailedAttempt attempt = stale("GET");
  SUBCASE("fresh") {
    attempt.connection_reused = false;
  }
  SUBCASE("twice") {
    attempt.was_retry = true;
  }
  SUBCASE("answer begun") {
    attempt.response_begun = true;
  }
  SUBCASE("body gone") {
    attempt.replayable = false;
  }
  CHECK(!may_retry(attempt));
  CHECK(!policy::obstacle_to_retry(attempt).empty());
}

TEST_CASE("the obstacle that is told is the one there is") {
  CHECK(policy::obstacle_to_retry(stale("GET")).empty());
  CHECK(policy::obstacle_to_retry(stale("POST")) == "it may have run, and twice may do harm");
  FailedAttempt attempt = stale("POST");
  attempt.connection_reused = false;
  CHECK(policy::obstacle_to_retry(attempt) == "the connection was a new one");
}

TEST_CASE("what may have run is not run again, unless it may be or cannot have run") {
  for (const char* method : {"POST", "PATCH", "CONNECT", "post", "X"}) {
    CAPTURE(method);
    FailedAttempt attempt = stale(method);
    CHECK(!may_retry(attempt));
    CHECK(must_not_run_again(attempt));
    attempt.refused = true;
    CHECK(may_retry(attempt));
    attempt.refused = false;
    attempt.has_idempotency_key = true;
    CHECK(may_retry(attempt));
    attempt.has_idempotency_key = false;
    attempt.retry_posts = true;
    CHECK(may_retry(attempt));
    CHECK(!must_not_run_again(attempt));
  }
}
