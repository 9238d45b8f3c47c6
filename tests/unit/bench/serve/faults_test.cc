// Chance that repeats.
#include "bench/serve/faults.h"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using bench::serve::Fault;
using bench::serve::FaultKind;
using bench::serve::FaultPlan;
using bench::serve::PlannedFault;

namespace {

FaultPlan plan_of(std::vector<Fault> faults, uint64_t seed) {
  auto plan = FaultPlan::make(std::move(faults), seed);
  REQUIRE(plan);
  return *plan;
}

std::string refused(std::vector<Fault> faults) {
  const auto plan = FaultPlan::make(std::move(faults), 1);
  REQUIRE_FALSE(plan);
  return plan.error();
}

// The fates of the first requests, -1 for none.
std::vector<int> fates(const FaultPlan& plan, uint64_t count) {
  std::vector<int> kinds;
  for (uint64_t number = 0; number < count; ++number) {
    const auto fate = plan.fate_of(number);
    kinds.push_back(fate ? static_cast<int>(fate->kind) : -1);
  }
  return kinds;
}

}  // namespace

TEST_CASE("names of faults, there and back") {
  for (size_t i = 0; i < bench::serve::fault_kinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    CHECK(bench::serve::fault_of(bench::serve::fault_name(kind)) == kind);
  }
  CHECK_FALSE(bench::serve::fault_of("418"));
}

TEST_CASE("faults come at their rates, and the same again with the same seed") {
  const std::vector<Fault> faults = {{FaultKind::reset, 0.1}, {FaultKind::status_500, 0.3}};
  constexpr uint64_t requests = 20'000;
  const std::vector<int> seen = fates(plan_of(faults, 7), requests);
  CHECK(seen == fates(plan_of(faults, 7), requests));
  CHECK(seen != fates(plan_of(faults, 8), requests));
  std::array<int, bench::serve::fault_kinds> counts{};
  for (const int kind : seen) {
    if (kind >= 0) ++counts.at(static_cast<size_t>(kind));
  }
  // Seven standard deviations.
  CHECK(counts[static_cast<size_t>(FaultKind::reset)] == doctest::Approx(2000).epsilon(0.15));
  CHECK(counts[static_cast<size_t>(FaultKind::status_500)] == doctest::Approx(6000).epsilon(0.08));
  CHECK(counts[static_cast<size_t>(FaultKind::stall)] == 0);
}

TEST_CASE("nothing, and everything") {
  CHECK(plan_of({}, 1).is_empty());
  CHECK(fates(plan_of({}, 1), 100) == std::vector<int>(100, -1));
  CHECK(fates(plan_of({{FaultKind::truncate, 1}}, 1), 100) ==
        std::vector<int>(100, static_cast<int>(FaultKind::truncate)));
  CHECK(fates(plan_of({{FaultKind::truncate, 0}}, 1), 100) == std::vector<int>(100, -1));
}

TEST_CASE("rates that cannot be are refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double rate : {-0.1, 1.1, nan}) {
    CHECK(refused({{FaultKind::stall, rate}}).find("number from 0 to 1") != std::string::npos);
  }
  CHECK(refused({{FaultKind::stall, 0.6}, {FaultKind::reset, 0.6}}).find("give 1 at most") !=
        std::string::npos);
}

TEST_CASE("a fault comes within the body, half of the resets before the head") {
  const FaultPlan plan = plan_of({}, 3);
  int before = 0;
  for (uint64_t number = 0; number < 1000; ++number) {
    for (const FaultKind kind : {FaultKind::reset, FaultKind::stall, FaultKind::truncate}) {
      const uint64_t place = plan.wanted(kind, {}, number).place(200, 50);
      if (kind == FaultKind::reset && place == 0) {
        ++before;
        continue;
      }
      REQUIRE(place > 200);
      REQUIRE(place < 250);
    }
  }
  CHECK(before == doctest::Approx(500).epsilon(0.2));
  CHECK(plan.wanted(FaultKind::stall, {}, 1).place(200, 1) == 200);
  CHECK(plan.wanted(FaultKind::stall, 17, 1).place(200, 50) == 17);
}
