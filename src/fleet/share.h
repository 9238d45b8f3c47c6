#pragma once

// One request at the limits of its client that a fleet shares: what is asked of Redis for it, and
// what is made of the answers.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "fleet/redis_command.h"
#include "fleet/redis_reply.h"
#include "fleet/scripts.h"
#include "policy/meters.h"
#include "policy/shared_limits.h"

namespace fleet {

// How a script is named in a command: by the digest that Redis knows it by; or, where Redis has
// forgotten it, in full.
struct ScriptName {
  Script script = Script::take;
  std::string_view digest = {};  // "": in full
};

// Resource, shared by its claim and by the commands under way for it. One thread.
struct Share : base::ListLink<Share> {
  using State = policy::SharedClaim::State;

  std::string id;      // like no other's
  std::string prefix;  // of its keys: the client's
  std::shared_ptr<const policy::Meters> meters;
  policy::Cost cost;
  policy::Waker waker;
  policy::SharedLimits::Purpose purpose = policy::SharedLimits::Purpose::take;
  State state = State::asked;
  bool was_sent = false;  // so it may have been taken, whatever is heard of it
  bool has_ended = false;
  policy::Cost came_to = {};  // of one that has ended
  bool was_served = false;    // it was a request; else all is given back

  // Of a granted one.
  policy::Standing requests = {};
  policy::Standing tokens = {};
  int64_t requests_until = 0;  // in the script's units
  int64_t tokens_until = 0;
  std::array<int64_t, policy::Meters::windows_max> windows_end_s = {};
  // Of one that only looked.
  std::vector<policy::Meters::Line> lines = {};
  // Of a met one.
  policy::LimitMet met = {};
};

// The commands for it, at `now_s` by this machine's clock.
[[nodiscard]] RedisCommand take_command(Share& share, const ScriptName& name, int64_t now_s);
enum class Told : uint8_t { first, again };
[[nodiscard]] RedisCommand settle_command(const Share& share,
                                          const ScriptName& name,
                                          Told told,
                                          int64_t now_s);

[[nodiscard]] RedisCommand look_command(const Share& share, const ScriptName& name, int64_t now_s);

// Reads what look answered: the lines of the share, which is granted then. False as below.
[[nodiscard]] bool read_looked(const RedisReply& reply, Share& share, int64_t now_s);
// Reads what take answered, which is no error: the share is granted or met. False: it is nothing
// that the script answers.
[[nodiscard]] bool read_taken(const RedisReply& reply, Share& share, int64_t now_s);

// A lease lasts so long beyond the last sign of life of its proxy, which gives one every
// `renew_ms`.
constexpr int64_t lease_ms = 30'000;
constexpr uint64_t renew_ms = 10'000;

// The key of a client's leases.
[[nodiscard]] std::string leases_key(const Share& share);

}  // namespace fleet
