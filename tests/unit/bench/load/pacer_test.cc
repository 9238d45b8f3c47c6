// bench/pacer: arrivals are exact, shared among threads, and ramp as told.
#include "bench/load/pacer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

using bench::load::Arrivals;
using bench::load::Pacer;

namespace {

constexpr uint64_t second = 1'000'000'000;

// All arrivals of all threads before `end_ns`, in order.
std::vector<uint64_t> arrivals(Pacer::Options options, uint64_t end_ns) {
  std::vector<uint64_t> all;
  for (options.thread = 0; options.thread < options.threads; ++options.thread) {
    for (Pacer pacer(options); pacer.due_ns() < end_ns; pacer.advance())
      all.push_back(pacer.due_ns());
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("constant arrivals are k / rate, without drift") {
  Pacer pacer({.rate = 3});
  for (uint64_t k = 0; k < 300'000; ++k) {
    // 3 does not divide a second: whatever was summed up would show.
    REQUIRE(pacer.due_ns() ==
            static_cast<uint64_t>(std::llround(static_cast<double>(k) / 3 * 1e9)));
    pacer.advance();
  }
}

TEST_CASE("threads share constant arrivals evenly and miss none") {
  const auto one = arrivals({.rate = 1000}, 2 * second);
  CHECK(one.size() == 2000);
  CHECK(arrivals({.rate = 1000, .threads = 3}, 2 * second) == one);
}

TEST_CASE("Poisson arrivals have the rate, and gaps that vary as they must") {
  for (const uint32_t threads : {1U, 4U}) {
    CAPTURE(threads);
    const auto all =
        arrivals({.rate = 10'000, .arrivals = Arrivals::poisson, .threads = threads}, 10 * second);
    const auto count = static_cast<double>(all.size());
    CHECK(count == doctest::Approx(100'000).epsilon(0.02));
    double squares = 0;
    double sum = 0;
    for (size_t i = 1; i < all.size(); ++i) {
      const auto gap = static_cast<double>(all[i] - all[i - 1]);
      sum += gap;
      squares += gap * gap;
    }
    const double mean = sum / (count - 1);
    const double deviation = std::sqrt(squares / (count - 1) - mean * mean);
    // Of an exponential distribution they are equal.
    CHECK(deviation == doctest::Approx(mean).epsilon(0.03));
  }
}

TEST_CASE("a ramp brings half as many requests, denser and denser") {
  for (const Arrivals kind : {Arrivals::constant, Arrivals::poisson}) {
    const auto all =
        arrivals({.rate = 2000, .arrivals = kind, .ramp_ns = 4 * second, .threads = 2}, 6 * second);
    const auto before = [&all](uint64_t at) {
      return static_cast<double>(std::lower_bound(all.begin(), all.end(), at) - all.begin());
    };
    // r t² / 2R up to R, then r a second.
    CHECK(before(1 * second) == doctest::Approx(250).epsilon(0.15));
    CHECK(before(2 * second) == doctest::Approx(1000).epsilon(0.1));
    CHECK(before(4 * second) == doctest::Approx(4000).epsilon(0.05));
    CHECK(before(5 * second) - before(4 * second) == doctest::Approx(2000).epsilon(0.1));
  }
}
