#pragma once

// Scenarios by name, their weights, and whether a plan makes sense.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/load/plan.h"

namespace bench::load {

// As it stands in tables and JSON: "chat". Static text.
[[nodiscard]] std::string_view scenario_name(Scenario scenario);

// "chat" and so on, as scenario_name() gives them; nothing for any other name.
[[nodiscard]] std::optional<Scenario> parse_scenario(std::string_view name);

// "chat=8,stream=2"; a weight left out is 1. The error says what is wrong and what to write.
[[nodiscard]] base::Result<std::vector<Work>, std::string> parse_mix(std::string_view text);

// What makes `plan` impossible, as a sentence that says what to change; nothing where it is fine.
[[nodiscard]] std::optional<std::string> problem_of(const Plan& plan);

// Value. Whose turn it is among works with weights: evenly interleaved, and exact over every round
// of the weights' sum.
class WorkPicker {
 public:
  explicit WorkPicker(const std::vector<Work>& works);
  // The index of the next work.
  [[nodiscard]] size_t next();

 private:
  struct Share {
    int64_t weight;
    int64_t credit;
  };
  std::vector<Share> shares_;
  int64_t total_ = 0;
};

}  // namespace bench::load
