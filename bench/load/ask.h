#pragma once

// One streamed question, its answer given out as it comes: what `ask` and the demo show.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/load/plan.h"

namespace bench::load {

// Value.
struct Answer {
  uint64_t events = 0;          // [DONE] included
  uint64_t first_token_ns = 0;  // from the sending of the request; 0: none came
  uint64_t total_ns = 0;
};

// Asks as Scenario::stream of `plan` does; `on_text` gets each piece of the answer's text when it
// arrives. Blocks until the answer is complete. The error says what came instead.
[[nodiscard]] base::Result<Answer, std::string> ask(
    const Plan& plan,
    const std::function<void(std::string_view text)>& on_text,
    const std::atomic<bool>& stop);

}  // namespace bench::load
