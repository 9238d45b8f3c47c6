#include "fleet/rate_units.h"

#include <cstdint>

#include <doctest/doctest.h>

using fleet::RateUnits;

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t doubles_are_exact_to = int64_t{1} << 53;
constexpr int64_t rates[] = {
    1, 7, 60, 61, 999'983, 59'999'999, 60'000'000, 60'000'001, 1'000'000'007, 100'000'000'000};

}  // namespace

TEST_CASE("a minute takes what may be had in it, to the last unit") {
  for (const int64_t rate : rates) {
    CAPTURE(rate);
    const RateUnits units(rate);
    CHECK(units.of(rate) == units.a_minute());
    CHECK(units.of(0) == 0);
    CHECK(units.of(1) >= 1);
    CHECK(units.to_us(units.a_minute()) == minute_us);
    CHECK(units.remaining(0) == rate);
    CHECK(units.remaining(units.a_minute()) == 0);
    CHECK(units.remaining(2 * units.a_minute()) == 0);
    CHECK(units.of(3 * rate) == 3 * units.a_minute());
  }
}

TEST_CASE("below one a microsecond each takes a whole number of units") {
  for (const int64_t rate : rates) {
    if (rate > minute_us) continue;
    CAPTURE(rate);
    const RateUnits units(rate);
    CHECK(units.of(1) * rate == units.a_minute());
    CHECK(units.remaining(units.of(rate - 1)) == 1);
  }
}

TEST_CASE("all that the scripts reckon with is exact as a double") {
  constexpr int64_t year_2100_min = 4'102'444'800 / 60;
  for (const int64_t rate : rates) {
    CAPTURE(rate);
    const RateUnits units(rate);
    CHECK(year_2100_min * units.a_minute() + units.debt_max() < doubles_are_exact_to);
    CHECK(minute_us * units.a_minute() < doubles_are_exact_to);
    CHECK(units.of(INT64_MAX) <= units.debt_max());
  }
}
