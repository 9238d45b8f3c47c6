#include "policy/pace.h"

#include <doctest/doctest.h>

using policy::ReadingPace;
using policy::SendingPace;

TEST_CASE("a sender is judged at the end of a window, by what came in it") {
  SendingPace pace;
  CHECK_FALSE(pace.ends_too_slow(5000, 1000, 100));  // no window runs

  pace.begin(1000);
  pace.add(99);
  pace.begin(1500);  // the one that runs goes on
  CHECK_FALSE(pace.ends_too_slow(1999, 1000, 100));
  CHECK(pace.ends_too_slow(2000, 1000, 100));
  CHECK_FALSE(pace.ends_too_slow(9000, 1000, 100));  // it has ended

  pace.begin(2000);  // bytes of the last one do not count
  pace.add(60);
  pace.add(40);
  CHECK_FALSE(pace.ends_too_slow(3000, 1000, 100));
}

TEST_CASE("a sender that was made to wait is not judged") {
  SendingPace pace;
  pace.begin(1000);
  pace.stop();
  CHECK_FALSE(pace.ends_too_slow(9000, 1000, 100));
  pace.begin(9000);
  CHECK_FALSE(pace.ends_too_slow(9999, 1000, 100));
  CHECK(pace.ends_too_slow(10'000, 1000, 100));
}

TEST_CASE("a rate of 0 asks nothing of a sender") {
  SendingPace pace;
  pace.begin(1000);
  CHECK_FALSE(pace.ends_too_slow(2000, 1000, 0));
}

TEST_CASE("a reader is too slow below the wanted bytes, if more had waited") {
  struct Case {
    const char* what;
    uint64_t queued_before, sent_between, queued_after;
    bool too_slow;
  };
  const Case cases[] = {
      {"took nothing, nothing came", 10'000, 0, 10'000, true},
      {"took nothing, more came", 10'000, 5'000, 15'000, true},
      {"took one byte less than wanted", 10'000, 0, 9'001, true},
      {"took what is wanted", 10'000, 0, 9'000, false},
      {"took what is wanted of what came", 10'000, 5'000, 14'000, false},
      {"took all of the little that waited", 10, 0, 0, false},
      {"took half of the little that waited", 10, 0, 5, false},
      {"took less than half of it", 10, 0, 6, true},
      {"left one byte, which is all there was", 1, 0, 1, true},
      {"TLS made more of it than was sent", 10'000, 0, 10'200, true},
  };
  for (const Case& its : cases) {
    CAPTURE(its.what);
    ReadingPace pace;
    pace.begin(its.queued_before, 700);
    CHECK(pace.is_too_slow(its.queued_after, 700 + its.sent_between, 1'000) == its.too_slow);
  }
}

TEST_CASE("where no rate is wanted, a reader has to take something") {
  ReadingPace pace;
  pace.begin(10'000, 0);
  CHECK(pace.is_too_slow(10'000, 0, 0));
  CHECK_FALSE(pace.is_too_slow(9'999, 0, 0));
}
