// The whole proxy in memory; the input is the schedule: what clients, upstreams, dials, reloads and
// the drain do, decision by decision.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/log.h"
#include "sim/world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  base::set_log_level(base::LogLevel::error);
  std::span<const uint8_t> input(data, size);
  // The first byte is the network's seed, and of what is decided when the input is used up.
  const uint64_t seed = input.empty() ? 0 : input.front();
  input = input.subspan(std::min<size_t>(input.size(), 1));
  sim::World world(seed, sim::Chance(seed, input));
  world.run();
  return 0;
}
