#include "fleet/share.h"

#include <algorithm>

#include "config/limit_scalars.h"
#include "config/period.h"
#include "fleet/rate_units.h"
#include "policy/calendar.h"

namespace fleet {
namespace {

using policy::Meters;
using Window = Meters::Limits::Window;

constexpr int64_t second_us = 1'000'000;
constexpr std::string_view slots_name = "max_parallel_requests";
// Beyond its end a window is kept for who settles late.
constexpr int64_t keep_s = 24 * 3600;
// What is in front of the windows in take's answer.
constexpr size_t taken_heads = 5;
// And in look's.
constexpr size_t looked_heads = 3;

// One of both rates of a client.
struct Rate {
  std::string_view name;
  int64_t per_minute;
  bool can_owe;  // requests are what they are: nobody owes any
};
Rate requests_of(const Meters& meters) {
  return {"rpm_limit", meters.limits().rpm, false};
}
Rate tokens_of(const Meters& meters) {
  return {"tpm_limit", meters.limits().tpm, true};
}

bool is_rolling(const Window& window) {
  return window.per.kind == config::Period::Kind::rolling;
}

policy::Bounds bounds_of(const Meters& meters, const Window& window, int64_t now_s) {
  return is_rolling(window) ? policy::Bounds{}
                            : policy::calendar_bounds(window.per.kind, meters.zone(), now_s);
}

int64_t kept_s(const Window& window, const policy::Bounds& bounds, int64_t now_s) {
  return keep_s + (is_rolling(window) ? window.per.rolling_s : bounds.ends_s - now_s);
}

std::string rates_key(const Share& share) {
  return share.prefix + "rates";
}

// Calendar windows have a key each, so that clocks which differ at their end harm nothing.
std::string window_key(const Share& share, size_t i, const policy::Bounds& bounds) {
  const Window& window = share.meters->limits().windows[i];
  std::string key = share.prefix + window.name;
  // Of another period it is another one.
  if (window.name.find('/') == std::string::npos) {
    key += "/" + config::PeriodText::print(window.per);
  }
  if (bounds.begun_s != 0) key += fmt::format(":{}", bounds.begun_s);
  return key;
}

RedisCommand begin(const ScriptName& name, size_t keys) {
  RedisCommand command;
  if (name.digest.empty()) {
    command.add("EVAL").add(text_of(name.script));
  } else {
    command.add("EVALSHA").add(name.digest);
  }
  command.add(static_cast<int64_t>(keys));
  return command;
}

// What both scripts begin with: their keys.
RedisCommand begin(const Share& share, const ScriptName& name, int64_t now_s) {
  const Meters& meters = *share.meters;
  const std::vector<Window>& windows = meters.limits().windows;
  RedisCommand command = begin(name, 2 + windows.size());
  command.add(rates_key(share)).add(leases_key(share));
  for (size_t i = 0; i < windows.size(); ++i)
    command.add(window_key(share, i, bounds_of(meters, windows[i], now_s)));
  return command;
}

// A rate's field and units: other limits have other units, and a bucket of their own.
void add_rate(RedisCommand& command, const Rate& rate) {
  command.add(fmt::format("{}:{}", rate.name, rate.per_minute));
  command.add(rate.per_minute == 0 ? 0 : RateUnits(rate.per_minute).a_minute());
}

void add_take(RedisCommand& command, const Rate& rate, int64_t cost) {
  add_rate(command, rate);
  if (rate.per_minute == 0) {
    command.add(int64_t{0}).add(int64_t{0});
    return;
  }
  const RateUnits units(rate.per_minute);
  command.add(units.of(std::min(cost, rate.per_minute)));
  command.add(rate.can_owe ? int64_t{0} : units.a_minute());
}

void add_settle(
    RedisCommand& command, const Rate& rate, int64_t cost, int64_t actual, int64_t until) {
  add_rate(command, rate);
  if (rate.per_minute == 0) {
    for (int i = 0; i < 4; ++i)
      command.add(int64_t{0});
    return;
  }
  const RateUnits units(rate.per_minute);
  command.add(units.of(std::min(cost, rate.per_minute))).add(units.of(actual));
  command.add(until).add(units.debt_max());
}

// The tighter one is shown.
void show(policy::Standing& shown, const policy::Standing& other) {
  if (shown.limit == 0 || other.remaining < shown.remaining) shown = other;
}

void show_rate(policy::Standing& shown, const Rate& rate, int64_t ahead) {
  if (rate.per_minute == 0) return;
  const RateUnits units(rate.per_minute);
  show(shown, {rate.per_minute, units.remaining(ahead), units.to_us(ahead)});
}

void read_granted(const RedisReply& reply, Share& share, int64_t now_s) {
  const Meters& meters = *share.meters;
  share.state = Share::State::granted;
  share.requests_until = reply.integer_at(1);
  share.tokens_until = reply.integer_at(3);
  show_rate(share.requests, requests_of(meters), reply.integer_at(2));
  show_rate(share.tokens, tokens_of(meters), reply.integer_at(4));
  const std::vector<Window>& windows = meters.limits().windows;
  for (size_t i = 0; i < windows.size(); ++i) {
    const int64_t used = reply.integer_at(taken_heads + 2 * i);
    const int64_t ends_s = reply.integer_at(taken_heads + 2 * i + 1);
    share.windows_end_s.at(i) = ends_s;
    const policy::Standing standing{windows[i].amount,
                                    std::max<int64_t>(0, windows[i].amount - used),
                                    std::max<int64_t>(0, ends_s - now_s) * second_us};
    if (windows[i].unit == Meters::Unit::requests) show(share.requests, standing);
    if (windows[i].unit == Meters::Unit::tokens) show(share.tokens, standing);
  }
}

policy::LimitMet rate_met(const Rate& rate, const RedisReply& reply, int64_t now_s) {
  policy::LimitMet met{.name = rate.name};
  if (rate.per_minute == 0) return met;
  met.retry_after_us = RateUnits(rate.per_minute).to_us(reply.integer_at(2));
  met.resets_s = now_s + (met.retry_after_us + second_us - 1) / second_us;
  show_rate(rate.can_owe ? met.tokens : met.requests, rate, reply.integer_at(3));
  return met;
}

policy::LimitMet window_met(const Window& window, const RedisReply& reply, int64_t now_s) {
  const int64_t rest_us = std::max<int64_t>(0, reply.integer_at(2)) * second_us;
  policy::LimitMet met{.name = window.name,
                       .is_quota = true,
                       .retry_after_us = rest_us,
                       .resets_s = now_s + rest_us / second_us};
  const policy::Standing standing{
      window.amount, std::max<int64_t>(0, window.amount - reply.integer_at(3)), rest_us};
  if (window.unit == Meters::Unit::requests) met.requests = standing;
  if (window.unit == Meters::Unit::tokens) met.tokens = standing;
  return met;
}

policy::LimitMet limit_met(const RedisReply& reply, const Share& share, int64_t now_s) {
  const Meters& meters = *share.meters;
  const int64_t which = reply.integer_at(1);
  if (which == 1) return rate_met(requests_of(meters), reply, now_s);
  if (which == 2) return rate_met(tokens_of(meters), reply, now_s);
  const std::vector<Window>& windows = meters.limits().windows;
  const auto window = static_cast<size_t>(which - 3);
  if (which < 3 || window >= windows.size()) {
    return {.name = slots_name, .retry_after_us = second_us};
  }
  return window_met(windows[window], reply, now_s);
}

}  // namespace

std::string leases_key(const Share& share) {
  return share.prefix + "leases";
}

RedisCommand take_command(Share& share, const ScriptName& name, int64_t now_s) {
  const Meters& meters = *share.meters;
  RedisCommand command = begin(share, name, now_s);
  command.add(share.id).add(lease_ms).add(int64_t{meters.limits().parallel});
  add_take(command, requests_of(meters), 1);
  add_take(command, tokens_of(meters), share.cost.tokens);
  const std::vector<Window>& windows = meters.limits().windows;
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    const policy::Bounds bounds = bounds_of(meters, window, now_s);
    share.windows_end_s.at(i) = bounds.ends_s;  // a rolling one's is in the answer
    const int64_t cost = Meters::part_of(share.cost, window.unit);
    command.add(window.amount).add(std::clamp<int64_t>(cost, 0, window.amount));
    command.add(bounds.ends_s).add(int64_t{window.per.rolling_s});
    command.add(kept_s(window, bounds, now_s));
  }
  return command;
}

RedisCommand settle_command(const Share& share, const ScriptName& name, Told told, int64_t now_s) {
  const Meters& meters = *share.meters;
  RedisCommand command = begin(share, name, now_s);
  command.add(share.id).add(told == Told::first ? "first" : "again");
  add_settle(command, requests_of(meters), 1, share.was_served ? 1 : 0, share.requests_until);
  add_settle(command,
             tokens_of(meters),
             share.cost.tokens,
             share.was_served ? share.came_to.tokens : 0,
             share.tokens_until);
  const std::vector<Window>& windows = meters.limits().windows;
  for (size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    const policy::Bounds bounds = bounds_of(meters, window, now_s);
    const int64_t cost = Meters::part_of(share.cost, window.unit);
    const int64_t actual = share.was_served ? Meters::part_of(share.came_to, window.unit) : 0;
    command.add(std::clamp<int64_t>(cost, 0, window.amount)).add(std::max<int64_t>(0, actual));
    command.add(share.windows_end_s.at(i));
    command.add(bounds.ends_s).add(int64_t{window.per.rolling_s});
    command.add(kept_s(window, bounds, now_s));
  }
  return command;
}

bool read_taken(const RedisReply& reply, Share& share, int64_t now_s) {
  const size_t windows = share.meters->limits().windows.size();
  if (reply.items.size() == taken_heads + 2 * windows && reply.integer_at(0) == 1) {
    read_granted(reply, share, now_s);
    return true;
  }
  if (reply.items.size() != 4 || reply.integer_at(0) != 0) return false;
  share.state = Share::State::met;
  share.met = limit_met(reply, share, now_s);
  return true;
}

RedisCommand look_command(const Share& share, const ScriptName& name, int64_t now_s) {
  const Meters& meters = *share.meters;
  RedisCommand command = begin(share, name, now_s);
  add_rate(command, requests_of(meters));
  add_rate(command, tokens_of(meters));
  for (const Window& window : meters.limits().windows)
    command.add(bounds_of(meters, window, now_s).ends_s);
  return command;
}

bool read_looked(const RedisReply& reply, Share& share, int64_t now_s) {
  const Meters::Limits& limits = share.meters->limits();
  if (reply.items.size() != looked_heads + 2 * limits.windows.size()) return false;
  share.state = Share::State::granted;
  const auto add_rate_line = [&](const Rate& rate, Meters::Unit unit, int64_t ahead) {
    if (rate.per_minute == 0) return;
    const RateUnits units(rate.per_minute);
    share.lines.push_back({.name = std::string(rate.name),
                           .unit = unit,
                           .limit = rate.per_minute,
                           .used = rate.per_minute - units.remaining(ahead),
                           .resets_in_us = units.to_us(ahead)});
  };
  add_rate_line(requests_of(*share.meters), Meters::Unit::requests, reply.integer_at(0));
  add_rate_line(tokens_of(*share.meters), Meters::Unit::tokens, reply.integer_at(1));
  if (limits.parallel > 0) {
    share.lines.push_back({.name = std::string(slots_name),
                           .unit = Meters::Unit::requests,
                           .limit = limits.parallel,
                           .used = reply.integer_at(2)});
  }
  for (size_t i = 0; i < limits.windows.size(); ++i) {
    const int64_t ends_s = reply.integer_at(looked_heads + 2 * i + 1);
    share.lines.push_back(
        {.name = limits.windows[i].name,
         .unit = limits.windows[i].unit,
         .limit = limits.windows[i].amount,
         .used = reply.integer_at(looked_heads + 2 * i),
         .resets_in_us = ends_s == 0 ? 0 : std::max<int64_t>(0, ends_s - now_s) * second_us});
  }
  return true;
}

}  // namespace fleet
