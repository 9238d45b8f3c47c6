// bench/recorder: what counts, and as what, by times that the test sets.
#include "bench/load/recorder.h"

#include <doctest/doctest.h>

using bench::load::Recorder;
using bench::load::Timeline;
using bench::load::Window;

namespace {

constexpr uint64_t ms = 1'000'000;

}  // namespace

TEST_CASE("gaps between tokens are as long as they were, and those over the limit are stalls") {
  Timeline timeline(1);
  Recorder recorder(timeline, 50 * ms);
  recorder.start(1000 * ms, Window{1000 * ms, 2000 * ms});
  recorder.on_first_events(1100 * ms, 100 * ms, 1, true);
  recorder.on_events(1150 * ms, 50 * ms, 1);  // the limit itself is none
  recorder.on_events(1201 * ms, 51 * ms, 1);
  recorder.on_events(1301 * ms, 100 * ms, 3);  // the other two came in the same read
  CHECK(recorder.measures().stalls == 2);
  CHECK(recorder.measures().events == 6);
  CHECK(recorder.measures().first_token.count() == 1);
  CHECK(recorder.measures().first_token.max() == 100 * ms);
  CHECK(recorder.measures().token_gap.count() == 5);
  CHECK(recorder.measures().token_gap.min() == 0);
  CHECK(recorder.measures().token_gap.max() == 100 * ms);
}

TEST_CASE("events before and after the measured part are of the timeline alone") {
  Timeline timeline(1);
  Recorder recorder(timeline, 50 * ms);
  recorder.start(1000 * ms, Window{1500 * ms, 2000 * ms});
  recorder.on_first_events(1100 * ms, 100 * ms, 1, false);
  recorder.on_events(1499 * ms, 399 * ms, 1);
  CHECK(recorder.measures().events == 0);
  CHECK(recorder.measures().stalls == 0);
  recorder.on_events(1500 * ms, 1 * ms, 1);
  recorder.on_events(1999 * ms, 499 * ms, 1);
  recorder.on_events(2000 * ms, 1 * ms, 1);
  CHECK(recorder.measures().events == 2);
  CHECK(recorder.measures().stalls == 1);
}
