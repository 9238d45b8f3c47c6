#include "bench/serve/faults.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "bench/base/chance.h"

namespace bench::serve {
namespace {

constexpr std::array<std::string_view, fault_kinds> names = {
    "reset", "stall", "truncate", "429", "500"};

}  // namespace

std::string_view fault_name(FaultKind kind) {
  return names.at(static_cast<size_t>(kind));
}

std::optional<FaultKind> fault_of(std::string_view name) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<FaultKind>(found - names.begin());
}

uint64_t PlannedFault::place(uint64_t head_bytes, uint64_t body_bytes) const {
  if (after_bytes) return *after_bytes;
  uint64_t state = chance;
  const bool is_before_head = next_chance(state) % 2 == 0;
  if (kind == FaultKind::reset && is_before_head) return 0;
  if (body_bytes < 2) return head_bytes;
  return head_bytes + 1 + next_chance(state) % (body_bytes - 1);
}

base::Result<FaultPlan, std::string> FaultPlan::make(std::vector<Fault> faults, uint64_t seed) {
  double sum = 0;
  for (const Fault& fault : faults) {
    // Written so that it refuses NaN too.
    if (!(fault.rate >= 0 && fault.rate <= 1)) {
      return fmt::format("the rate of fault {} is {}: give a number from 0 to 1",
                         fault_name(fault.kind),
                         fault.rate);
    }
    sum += fault.rate;
  }
  if (sum > 1 + 1e-9) {
    return fmt::format(
        "the rates of the faults add up to {}: a request has one fate, give 1 at "
        "most in all",
        sum);
  }
  return FaultPlan(std::move(faults), seed);
}

std::optional<PlannedFault> FaultPlan::fate_of(uint64_t number) const {
  if (faults_.empty()) return std::nullopt;
  uint64_t state = chance_of(seed_, number);
  double left = fraction_of(next_chance(state));
  for (const Fault& fault : faults_) {
    if (left < fault.rate) return PlannedFault{std::nullopt, state, fault.kind};
    left -= fault.rate;
  }
  return std::nullopt;
}

PlannedFault FaultPlan::wanted(FaultKind kind,
                               std::optional<uint64_t> after_bytes,
                               uint64_t number) const {
  return {after_bytes, chance_of(seed_, number), kind};
}

}  // namespace bench::serve
