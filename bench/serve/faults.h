#pragma once

// Which requests fare badly, and how.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/serve/serve.h"

namespace bench::serve {

// Value: a fault that a response meets. Only reset, stall and truncate have a place.
struct PlannedFault {
  // Nothing yet: within the body, `chance` knows where.
  std::optional<uint64_t> after_bytes;  // of the response, head included
  uint64_t chance = 0;
  FaultKind kind = FaultKind::reset;

  // After how many bytes of a response it comes whose head is of `head_bytes` and whose body of at
  // least `body_bytes`: within the body, never behind its last byte; half of the resets before the
  // head.
  [[nodiscard]] uint64_t place(uint64_t head_bytes, uint64_t body_bytes) const;
};

// Immutable. Any thread.
class FaultPlan {
 public:
  // The error says what is wrong with the rates.
  [[nodiscard]] static base::Result<FaultPlan, std::string> make(std::vector<Fault> faults,
                                                                 uint64_t seed);

  // The fate of the `number`-th request, the same at every call; mostly nothing.
  [[nodiscard]] std::optional<PlannedFault> fate_of(uint64_t number) const;
  // For a request that asked for it.
  [[nodiscard]] PlannedFault wanted(FaultKind kind,
                                    std::optional<uint64_t> after_bytes,
                                    uint64_t number) const;
  [[nodiscard]] bool is_empty() const { return faults_.empty(); }

 private:
  FaultPlan(std::vector<Fault> faults, uint64_t seed) : faults_(std::move(faults)), seed_(seed) {}

  std::vector<Fault> faults_;
  uint64_t seed_;
};

}  // namespace bench::serve
