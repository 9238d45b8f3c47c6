#include "policy/meters.h"

#include <memory>

#include <doctest/doctest.h>

#include "policy/clock.h"

using policy::Cost;
using policy::Meters;
using policy::Now;

namespace {

using Unit = Meters::Unit;

// Of the clocks that whoever forgets what it took asks.
Now now() {
  return {.us = policy::monotonic_us(), .s = policy::realtime_s()};
}
constexpr config::Period day{.kind = config::Period::Kind::day};

std::shared_ptr<const base::TimeZone> utc() {
  return std::make_shared<const base::TimeZone>();
}

int64_t used(const Meters& meters, std::string_view name) {
  for (const Meters::Line& line : meters.lines(now())) {
    if (line.name == name) return line.used;
  }
  FAIL("no such limit: " << name);
  return 0;
}

}  // namespace

TEST_CASE("all limits are taken together, or none of them") {
  const Now begin = now();
  Meters meters({.rpm = 10,
                 .tpm = 100,
                 .parallel = 5,
                 .windows = {{"requests/day", Unit::requests, 10, day},
                             {"budget/day", Unit::budget, 1'000, day}}},
                utc());
  Meters::Taken first;
  REQUIRE(!meters.take({.tokens = 60, .nano_dollars = 10}, begin, first));
  Meters::Taken second;
  const auto met = meters.take({.tokens = 60, .nano_dollars = 10}, begin, second);
  REQUIRE(met);
  CHECK(met->name == "tpm_limit");
  CHECK(met->retry_after_us == 12'000'000);  // 20 tokens at 100 a minute
  CHECK(!met->is_quota);
  CHECK(used(meters, "rpm_limit") == 1);
  CHECK(used(meters, "max_parallel_requests") == 1);
  CHECK(used(meters, "requests/day") == 1);
  CHECK(used(meters, "budget/day") == 10);
}

TEST_CASE("what is forgotten goes back, what is settled stays as it came to") {
  const Now begin = now();
  Meters meters({.tpm = 100,
                 .parallel = 1,
                 .windows = {{"tokens/day", Unit::tokens, 1'000, day},
                             {"max_budget", Unit::budget, 1'000, day}}},
                utc());
  {
    Meters::Taken taken;
    REQUIRE(!meters.take({.tokens = 50, .nano_dollars = 500}, begin, taken));
    CHECK(used(meters, "tokens/day") == 50);
  }
  CHECK(used(meters, "max_parallel_requests") == 0);
  CHECK(used(meters, "tokens/day") == 0);
  CHECK(used(meters, "max_budget") == 0);
  Meters::Taken taken;
  REQUIRE(!meters.take({.tokens = 50, .nano_dollars = 500}, begin, taken));
  meters.settle(taken, {.tokens = 7, .nano_dollars = 70}, begin);
  CHECK(used(meters, "max_parallel_requests") == 0);
  CHECK(used(meters, "tpm_limit") >= 7);
  CHECK(used(meters, "tpm_limit") <= 8);  // what was forgotten came back a moment later
  CHECK(used(meters, "tokens/day") == 7);
  CHECK(used(meters, "max_budget") == 70);
  // Once.
  taken = {};
  CHECK(used(meters, "tokens/day") == 7);
}

TEST_CASE("a window that is used up is a quota, and says when it begins anew") {
  const Now begin = now();
  Meters meters({.windows = {{"requests/day", Unit::requests, 1, day}}}, utc());
  Meters::Taken taken;
  REQUIRE(!meters.take({}, begin, taken));
  meters.settle(taken, {}, begin);
  Meters::Taken refused;
  const auto met = meters.take({}, begin, refused);
  REQUIRE(met);
  CHECK(met->is_quota);
  CHECK(met->resets_s % (24 * 3600) == 0);
  CHECK(met->resets_s > begin.s);
  CHECK(met->retry_after_us == (met->resets_s - begin.s) * 1'000'000);
  Now tomorrow = begin;
  tomorrow.s = met->resets_s;
  CHECK(!meters.take({}, tomorrow, refused));
}

TEST_CASE("the tightest limit of a kind is the one that is shown") {
  const Now begin = now();
  Meters meters({.rpm = 100, .windows = {{"requests/day", Unit::requests, 3, day}}}, utc());
  Meters::Taken taken;
  REQUIRE(!meters.take({}, begin, taken));
  CHECK(taken.requests_standing.limit == 3);
  CHECK(taken.requests_standing.remaining == 2);
  CHECK(taken.tokens_standing.limit == 0);
}

TEST_CASE("other limits go on where the former were, as far as they have some in common") {
  const Now begin = now();
  Meters former({.rpm = 10,
                 .windows = {{"tokens/day", Unit::tokens, 100, day},
                             {"requests/day", Unit::requests, 5, day}}},
                utc());
  Meters::Taken taken;
  REQUIRE(!former.take({.tokens = 40}, begin, taken));
  former.settle(taken, {.tokens = 40}, begin);
  Meters meters({.rpm = 20, .windows = {{"tokens/day", Unit::tokens, 200, day}}}, utc());
  meters.inherit(former, begin);
  CHECK(used(meters, "tokens/day") == 40);
  CHECK(used(meters, "rpm_limit") >= 1);
}

TEST_CASE("max_budget and a budget of the same period are two limits") {
  config::Client client;
  client.max_budget = 100;
  client.limits = {{.budget = 50, .per = {.kind = config::Period::Kind::month}}};
  const Meters::Limits limits = Meters::limits_of(client);
  REQUIRE(limits.windows.size() == 2);
  CHECK(limits.windows[0].name == "max_budget");
  CHECK(limits.windows[1].name == "budget/month");
}
