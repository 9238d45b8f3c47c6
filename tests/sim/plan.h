#pragma once

// What one schedule may do: drawn once at its beginning, so that faults come in combinations and
// some schedules have none at all.

#include <cstdint>
#include <memory>

#include "config/config.h"
#include "sim/chance.h"

namespace sim {

// Value. Which faults happen at all.
struct Faults {
  bool client_leaves = false;
  bool client_stalls = false;
  bool client_malformed = false;
  bool early_answers = false;
  bool upstream_breaks = false;
  bool upstream_stalls = false;
  bool upstream_nonsense = false;  // no HTTP, junk behind a response, too many 1xx
  bool upstream_closes_idle = false;
  bool dial_fails = false;
  bool limits = false;     // bodies may be too large, upgrades turned off
  bool stop = false;       // the drain's deadline passes
  bool deadlines = false;  // of the proxy's are short enough to pass without a fault

  [[nodiscard]] bool any() const {
    return client_leaves || client_stalls || client_malformed || early_answers || upstream_breaks ||
           upstream_stalls || upstream_nonsense || upstream_closes_idle || dial_fails || limits ||
           stop || deadlines;
  }
};

// Value.
struct Plan {
  Faults faults;
  uint32_t clients = 1;
  uint32_t requests_max = 1;  // per client
  uint32_t reloads = 0;
  bool drain = false;
  bool large_bodies = false;
  bool sleepy = false;  // actors often pause for a while
  size_t capacity_bytes = 64 * 1024;
};

// More than all of the proxy's deadlines on the way to an answer together, redirects and a retry
// included, and less than it keeps an idle connection.
inline constexpr uint64_t patience_ms = 24 * 60 * 60'000;

[[nodiscard]] Plan draw_plan(Chance& chance);

// A configuration with one upstream and one route; differs from call to call.
[[nodiscard]] std::shared_ptr<const config::Config> draw_config(Chance& chance, const Plan& plan);

}  // namespace sim
