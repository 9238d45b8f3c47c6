// bench/histogram: its error over the whole range, percentiles against sorted values, merging.
#include "bench/base/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using bench::Histogram;

namespace {

constexpr double error_max = 0.008;

// Every magnitude as likely as any other.
uint64_t random_value(std::mt19937_64& random) {
  return random() >> (random() % 64);
}

bool within_error(uint64_t read_back, uint64_t recorded) {
  return read_back >= recorded &&
         static_cast<double>(read_back - recorded) <= error_max * static_cast<double>(recorded);
}

// The value of `sorted` that `percent` of it do not exceed.
uint64_t exact_percentile(const std::vector<uint64_t>& sorted, double percent) {
  const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()) - 1e-6);
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

void check_same(const Histogram& one, const Histogram& other) {
  CHECK(one.count() == other.count());
  CHECK(one.min() == other.min());
  CHECK(one.max() == other.max());
  CHECK(one.mean() == doctest::Approx(other.mean()));
  for (double percent = 0; percent <= 100; percent += 0.125) {
    CHECK(one.percentile(percent) == other.percentile(percent));
  }
}

}  // namespace

TEST_CASE("an empty histogram says zero everywhere") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.min() == 0);
  CHECK(empty.max() == 0);
  CHECK(empty.mean() == 0);
  CHECK(empty.percentile(50) == 0);
  CHECK(empty.count_above(0) == 0);
}

TEST_CASE("a value comes back at most 0.8 % off, over the whole range") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    const uint64_t value = random_value(random);
    Histogram histogram;
    histogram.record(0);
    histogram.record(value);
    histogram.record(UINT64_MAX);
    const uint64_t read_back = histogram.percentile(50);
    CAPTURE(value);
    CAPTURE(read_back);
    REQUIRE(within_error(read_back, value));
  }
}

TEST_CASE("values on both sides of each power of two stay apart and in order") {
  for (unsigned bit = 1; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    Histogram histogram;
    histogram.record(0);
    histogram.record(power - 1);
    histogram.record(power);
    histogram.record(UINT64_MAX);
    CAPTURE(bit);
    CHECK(histogram.percentile(50) == power - 1);
    CHECK(within_error(histogram.percentile(75), power));
    CHECK(histogram.count_above(power - 1) == 2);
    CHECK(histogram.count_above(power) == 1);
  }
}

TEST_CASE("values below 256 are exact") {
  for (uint64_t value = 0; value < 256; ++value) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(UINT64_MAX);
    CHECK(histogram.percentile(50) == value);
  }
}

TEST_CASE("the extremes are exact") {
  Histogram histogram;
  histogram.record(0);
  CHECK(histogram.max() == 0);
  CHECK(histogram.percentile(100) == 0);
  histogram.record(UINT64_MAX);
  CHECK(histogram.min() == 0);
  CHECK(histogram.max() == UINT64_MAX);
  CHECK(histogram.percentile(0) == 0);
  CHECK(histogram.percentile(50) == 0);
  CHECK(histogram.percentile(51) == UINT64_MAX);
  CHECK(histogram.percentile(100) == UINT64_MAX);
  CHECK(histogram.count_above(UINT64_MAX) == 0);
  CHECK(histogram.count_above(0) == 1);
  // Out of 0..100 is taken as the nearer end.
  CHECK(histogram.percentile(-1) == 0);
  CHECK(histogram.percentile(200) == UINT64_MAX);
}

TEST_CASE("a lone value is every percentile, exactly") {
  Histogram histogram;
  histogram.record(1'234'567, 10);
  for (const double percent : {0.0, 0.001, 50.0, 99.999, 100.0}) {
    CHECK(histogram.percentile(percent) == 1'234'567);
  }
  CHECK(histogram.mean() == 1'234'567);
  CHECK(histogram.count() == 10);
}

TEST_CASE("recording no times records nothing") {
  Histogram histogram;
  histogram.record(5, 0);
  CHECK(histogram.count() == 0);
  CHECK(histogram.min() == 0);
  CHECK(histogram.max() == 0);
}

TEST_CASE("percentiles are those of the sorted values") {
  std::mt19937_64 random(11);
  for (const size_t size : {1U, 2U, 10U, 999U, 1000U, 20'000U}) {
    std::vector<uint64_t> values(size);
    Histogram histogram;
    double sum = 0;
    for (uint64_t& value : values) {
      value = random_value(random) >> 8;
      histogram.record(value);
      sum += static_cast<double>(value);
    }
    std::sort(values.begin(), values.end());
    CHECK(histogram.count() == size);
    CHECK(histogram.min() == values.front());
    CHECK(histogram.max() == values.back());
    CHECK(histogram.mean() == doctest::Approx(sum / static_cast<double>(size)));
    for (const double percent : {0.1, 1.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999}) {
      CAPTURE(size);
      CAPTURE(percent);
      CHECK(within_error(histogram.percentile(percent), exact_percentile(values, percent)));
    }
    const uint64_t middle = values[size / 2];
    const auto above = values.end() - std::upper_bound(values.begin(), values.end(), middle);
    const auto in_one_bucket = std::count_if(values.begin(), values.end(), [&](uint64_t value) {
      return value > middle && within_error(value, middle);
    });
    CHECK(histogram.count_above(middle) <= static_cast<uint64_t>(above));
    CHECK(histogram.count_above(middle) >= static_cast<uint64_t>(above - in_one_bucket));
  }
}

TEST_CASE("99.9 % of a thousand is the 999th value, whatever the rounding") {
  Histogram histogram;
  for (int i = 0; i < 999; ++i) {
    histogram.record(1);
  }
  histogram.record(1000);
  CHECK(histogram.percentile(99.9) == 1);
  CHECK(histogram.percentile(99.90001) == 1000);
}

TEST_CASE("merging is recording everything in one") {
  std::mt19937_64 random(13);
  Histogram all;
  std::vector<Histogram> parts(5);  // the last stays empty
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = random_value(random);
    const uint64_t times = 1 + random() % 3;
    all.record(value, times);
    parts[random() % 4].record(value, times);
  }
  Histogram merged;
  for (const Histogram& part : parts) {
    merged.merge(part);
  }
  check_same(merged, all);
  merged.merge(Histogram{});
  check_same(merged, all);
  Histogram into_empty;
  into_empty.merge(all);
  check_same(into_empty, all);
}
