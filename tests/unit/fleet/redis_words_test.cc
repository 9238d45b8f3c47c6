#include "fleet/redis_words.h"

#include <string>

#include <doctest/doctest.h>

TEST_CASE("refusals in words, and whether another connection may do better") {
  struct Case {
    const char* error;
    const char* words;
    bool is_of_connection;
  };
  const Case cases[] = {
      {"OOM command not allowed when used memory > 'maxmemory'.", "is full", false},
      {"READONLY You can't write against a read only replica.", "read-only replica", true},
      {"NOAUTH Authentication required.", "wants a password", true},
      {"LOADING Redis is loading the dataset in memory", "loading", false},
      {"MOVED 3999 127.0.0.1:6381", "cluster", true},
      {"NOPERM this user has no permissions", "does not let its user", true},
      {"MISCONF Redis is configured to save RDB snapshots", "takes no writes", false},
      {"ERR something new", "answers \"ERR something new\"", false},
  };
  for (const Case& each : cases) {
    CAPTURE(each.error);
    const fleet::Refusal refusal = fleet::explain(each.error);
    CHECK(refusal.why.find(each.words) != std::string::npos);
    CHECK(refusal.is_of_connection == each.is_of_connection);
  }
}

TEST_CASE("a login that is refused is never quoted") {
  for (const bool has_password : {false, true}) {
    const std::string why = fleet::explain_login(
        "ERR unknown command 'AUTH', with args beginning with: 's3cret'", has_password);
    CHECK(why.find("s3cret") == std::string::npos);
    CHECK_FALSE(why.empty());
  }
}
