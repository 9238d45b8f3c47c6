#include "fleet/scripts.h"

namespace fleet {
namespace {

// Numbers are doubles there, exact up to 2^53: a time in units (policy/rate.h) stays below it, as
// rate_units.h sees to. Lua would print big ones as 1.7e+15, so all that is stored goes through
// whole().

// KEYS: rates, leases, one for each window.
// ARGV: id, how long a lease lasts (ms), slots (0: no limit); for requests, then for tokens: field,
// units a minute (0: no limit), units to take, units ahead at most (0: any); for each window:
// limit, cost, when it ends (s; 0: a rolling one), how long it lasts, how long it is kept (s).
// Answers 1, for both rates until when (units) and how far ahead (units), for each window what is
// taken of it and when it ends; or 0 and which limit is met: 0 the slots, and nothing; 1 or 2 a
// rate, how many units are to run out, and how far ahead it is (units); 3 and on a window, in how
// many seconds it ends, and what is taken of it.
constexpr std::string_view take = R"lua(
local function whole(x) return string.format('%.0f', x) end
local time = redis.call('TIME')
local s, us = tonumber(time[1]), tonumber(time[2])
local now_ms = s * 1000 + math.floor(us / 1000)
local slots = tonumber(ARGV[3])
if slots > 0 and redis.call('ZCOUNT', KEYS[2], '(' .. whole(now_ms), '+inf') >= slots then
  return {0, 0, 0, 0}
end
local windows = {}
for i = 3, #KEYS do
  local at = 12 + (i - 3) * 5
  local limit, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local ends = tonumber(ARGV[at + 2])
  local kept = redis.call('HMGET', KEYS[i], 'used', 'ends')
  local used, kept_ends = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
  local is_fresh = kept_ends == 0
  if ends == 0 then
    ends = kept_ends
    if kept_ends <= s then
      is_fresh, used, ends = true, 0, s + tonumber(ARGV[at + 3])
    end
  end
  if used >= limit or cost > limit - used then return {0, i, ends - s, used} end
  windows[i] = {is_fresh = is_fresh, cost = cost, used = used + cost, ends = ends,
                keep = ARGV[at + 4]}
end
local rates = {}
for i = 1, 2 do
  local at = 4 + (i - 1) * 4
  local minute = tonumber(ARGV[at + 1])
  if minute > 0 then
    local now = math.floor(s / 60) * minute +
                math.floor((s % 60 * 1000000 + us) * minute / 60000000)
    local from = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or 0), now)
    local most = tonumber(ARGV[at + 3])
    if most > 0 then from = math.min(from, now + most) end
    local till = from + tonumber(ARGV[at + 2])
    if till - now > minute then return {0, i, till - now - minute, from - now} end
    rates[i] = {field = ARGV[at], till = till, ahead = till - now, minute = minute}
  end
end
local reply = {1}
for i = 1, 2 do
  local rate = rates[i]
  if rate then
    redis.call('HSET', KEYS[1], rate.field, whole(rate.till))
    local keep_ms = math.ceil(rate.ahead / rate.minute * 60000) + 60000
    if redis.call('PTTL', KEYS[1]) < keep_ms then
      redis.call('PEXPIRE', KEYS[1], whole(keep_ms))
    end
  end
  reply[#reply + 1] = rate and rate.till or 0
  reply[#reply + 1] = rate and rate.ahead or 0
end
for i = 3, #KEYS do
  local window = windows[i]
  if window.is_fresh then
    redis.call('HSET', KEYS[i], 'used', whole(window.cost), 'ends', whole(window.ends))
    redis.call('EXPIRE', KEYS[i], window.keep)
  else
    redis.call('HINCRBY', KEYS[i], 'used', whole(window.cost))
  end
  reply[#reply + 1] = window.used
  reply[#reply + 1] = window.ends
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now_ms - 86400000))
redis.call('ZADD', KEYS[2], whole(now_ms + tonumber(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[2], 172800000)
return reply
)lua";

// KEYS: as above, of windows those that run now.
// ARGV: id, whether it is told for the first time or again; for requests, then for tokens: field,
// units a minute (0: no limit), units taken, units it came to, until when they were taken (units;
// 0: not known), units ahead at most; for each window: cost taken, what it came to, when the one
// it was taken of ends (s; 0: not known), when that of now does (s; 0: a rolling one), how long it
// lasts, how long it is kept (s).
// One that has a lease was taken; one that has none was let pass without a question, and windows
// count it, or it has been settled: told again it is left.
constexpr std::string_view settle = R"lua(
local function whole(x) return string.format('%.0f', x) end
local was_taken = redis.call('ZREM', KEYS[2], ARGV[1]) == 1
if not was_taken and ARGV[2] == 'again' then return 0 end
local time = redis.call('TIME')
local s, us = tonumber(time[1]), tonumber(time[2])
for i = 1, 2 do
  local at = 3 + (i - 1) * 6
  local minute = tonumber(ARGV[at + 1])
  if was_taken and minute > 0 then
    local now = math.floor(s / 60) * minute +
                math.floor((s % 60 * 1000000 + us) * minute / 60000000)
    local kept = tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or 0)
    local more = tonumber(ARGV[at + 3]) - tonumber(ARGV[at + 2])
    if more > 0 then
      local till = math.min(math.max(kept, now) + more, now + tonumber(ARGV[at + 5]))
      redis.call('HSET', KEYS[1], ARGV[at], whole(till))
      local keep_ms = math.ceil((till - now) / minute * 60000) + 60000
      if redis.call('PTTL', KEYS[1]) < keep_ms then
        redis.call('PEXPIRE', KEYS[1], whole(keep_ms))
      end
    else
      local back = math.min(-more, tonumber(ARGV[at + 4]) - now)
      if back > 0 and kept > 0 then
        redis.call('HSET', KEYS[1], ARGV[at], whole(kept - back))
      end
    end
  end
end
for i = 3, #KEYS do
  local at = 15 + (i - 3) * 6
  local cost, actual = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local taken_ends, ends = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local kept_ends = tonumber(redis.call('HGET', KEYS[i], 'ends') or 0)
  local runs = kept_ends > 0 and (ends > 0 or kept_ends > s)
  local more = actual
  if was_taken then
    more = actual - cost
    if not runs or (kept_ends ~= taken_ends and taken_ends > 0) then more = math.max(0, more) end
  end
  if more ~= 0 then
    if runs then
      redis.call('HINCRBY', KEYS[i], 'used', whole(more))
    else
      if ends == 0 then ends = s + tonumber(ARGV[at + 4]) end
      redis.call('HSET', KEYS[i], 'used', whole(more), 'ends', whole(ends))
      redis.call('EXPIRE', KEYS[i], ARGV[at + 5])
    end
  end
end
return 1
)lua";

// KEYS: as above. ARGV: for requests, then for tokens: field, units a minute (0: no limit); for
// each window when it ends (s; 0: a rolling one). Answers how far both rates are ahead (units), how
// many leases there are, for each window what is used of it and when it ends.
constexpr std::string_view look = R"lua(
local function whole(x) return string.format('%.0f', x) end
local time = redis.call('TIME')
local s, us = tonumber(time[1]), tonumber(time[2])
local reply = {0, 0, 0}
for i = 1, 2 do
  local minute = tonumber(ARGV[i * 2])
  if minute > 0 then
    local now = math.floor(s / 60) * minute +
                math.floor((s % 60 * 1000000 + us) * minute / 60000000)
    reply[i] = math.max(0, tonumber(redis.call('HGET', KEYS[1], ARGV[i * 2 - 1]) or 0) - now)
  end
end
local now_ms = s * 1000 + math.floor(us / 1000)
reply[3] = redis.call('ZCOUNT', KEYS[2], '(' .. whole(now_ms), '+inf')
for i = 3, #KEYS do
  local kept = redis.call('HMGET', KEYS[i], 'used', 'ends')
  local used, ends = tonumber(kept[1] or 0), tonumber(ARGV[i + 2])
  if ends == 0 then
    ends = tonumber(kept[2] or 0)
    if ends <= s then used, ends = 0, 0 end
  end
  reply[#reply + 1] = used
  reply[#reply + 1] = ends
end
return reply
)lua";

// KEYS: leases. ARGV: how long a lease lasts (ms), ids.
constexpr std::string_view renew = R"lua(
local function whole(x) return string.format('%.0f', x) end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], whole(now_ms + tonumber(ARGV[1])), ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], 172800000)
return 1
)lua";

}  // namespace

std::string_view text_of(Script script) {
  switch (script) {
    case Script::take:
      return take;
    case Script::settle:
      return settle;
    case Script::renew:
      return renew;
    case Script::look:
      break;
  }
  return look;
}

}  // namespace fleet
