#include "policy/limit_text.h"

#include <doctest/doctest.h>

TEST_CASE("durations as OpenAI writes them") {
  struct Case {
    int64_t us;
    const char* text;
  };
  for (const Case& its : {Case{-5, "0s"},
                          {0, "0s"},
                          {1, "1ms"},
                          {12'000, "12ms"},
                          {12'001, "13ms"},
                          {999'001, "1s"},
                          {1'000'000, "1s"},
                          {1'500'000, "1.5s"},
                          {8'640'000, "8.64s"},
                          {59'999'000, "59.999s"},
                          {59'999'001, "1m0s"},
                          {360'000'000, "6m0s"},
                          {361'050'000, "6m1.05s"},
                          {3'600'000'000, "1h0m0s"},
                          {90'061'000'000, "25h1m1s"}}) {
    CHECK(policy::openai_duration(its.us) == its.text);
  }
}

TEST_CASE("Retry-After is in whole seconds and never 0") {
  CHECK(policy::retry_after_s(-1) == 1);
  CHECK(policy::retry_after_s(0) == 1);
  CHECK(policy::retry_after_s(1'000'000) == 1);
  CHECK(policy::retry_after_s(1'000'001) == 2);
}

TEST_CASE("moments in UTC") {
  CHECK(policy::utc_time(0) == "1970-01-01T00:00:00Z");
  CHECK(policy::utc_time(951'782'400 + 86'399) == "2000-02-29T23:59:59Z");
}
