#include "policy/retry.h"

#include <doctest/doctest.h>

using policy::FailedAttempt;
using policy::may_retry;

namespace {

FailedAttempt stale(std::string_view method) {
  return {.connection_reused = true, .replayable = true, .method = method, .since_sent_ms = 3};
}

}  // namespace

TEST_CASE("a request that met a stale connection is sent once more") {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"}) {
    CAPTURE(method);
    CHECK(may_retry(stale(method)));
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
}

TEST_CASE("what may have run is not run again, unless it may be") {
  FailedAttempt attempt = stale("POST");
  attempt.since_sent_ms = policy::reuse_race_ms_max + 1;
  CHECK(!may_retry(attempt));
  SUBCASE("the client says so") {
    attempt.has_idempotency_key = true;
  }
  SUBCASE("the route says so") {
    attempt.retry_posts = true;
  }
  SUBCASE("the method says so") {
    attempt.method = "DELETE";
  }
  CHECK(may_retry(attempt));
}
