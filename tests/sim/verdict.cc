#include "sim/verdict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "observe/summary.h"
#include "sim/world.h"

namespace sim {
namespace {

using observe::Outcome;

// Value. What a line of the access log says.
struct Line {
  std::string_view text;
  std::string_view path;
  std::string_view outcome;
  uint64_t status = 0;
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  uint64_t attempts = 0;
};

std::string_view value_of(std::string_view line, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  if (!line.starts_with('"')) return line.substr(0, line.find_first_of(",}"));
  line.remove_prefix(1);
  return line.substr(0, line.find('"'));
}

uint64_t number_of(std::string_view line, std::string_view name) {
  const std::string_view text = value_of(line, name);
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<Line> parse(std::string_view log) {
  std::vector<Line> lines;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    lines.push_back({.text = line,
                     .path = value_of(line, "path"),
                     .outcome = value_of(line, "outcome"),
                     .status = number_of(line, "status"),
                     .bytes_up = number_of(line, "bytes_up"),
                     .bytes_down = number_of(line, "bytes_down"),
                     .attempts = number_of(line, "attempts")});
  }
  return lines;
}

// The one line of each request that has one; lines of heads never understood have no path.
std::vector<const Line*> by_request(const World& world, const std::vector<Line>& lines) {
  std::vector<const Line*> found(world.requests().size());
  for (const Line& line : lines) {
    if (line.path.empty()) continue;
    uint64_t id = UINT64_MAX;
    std::from_chars(line.path.data() + 3, line.path.data() + line.path.size(), id);
    if (id >= found.size()) world.fail("a line of nobody's: {}", line.text);
    if (found[id] != nullptr) world.fail("request {} ended twice: {}", id, line.text);
    found[id] = &line;
  }
  return found;
}

bool answered_early(const Request& request) {
  return std::any_of(request.attempts.begin(), request.attempts.end(), [](const Attempt& attempt) {
    return attempt.answered_early;
  });
}

void judge_complete(const World& world, const Request& request, const Line& line) {
  if (request.attempts.empty())
    world.fail("request {} is complete but had no upstream", request.id);
  const Attempt& last = request.attempts.back();
  if (line.status != last.status)
    world.fail("request {}: logged status {}", request.id, line.status);
  // Nor does a tunnel show that its upstream broke off.
  const bool broke_off = last.status == 101 && !last.response_sent;
  if (line.bytes_down != last.body_bytes && !broke_off) {
    world.fail("request {}: {} of {} bytes logged", request.id, line.bytes_down, last.body_bytes);
  }
  // A tunnel's client may end its half whenever it likes; of what it sends when the upstream has
  // ended its own, the last may be lost with the connection.
  const bool tunnelled = last.status == 101;
  const uint64_t up = tunnelled ? request.tunnel_up_received : request.body_bytes;
  const bool more = line.bytes_up > up && !(tunnelled && !request.tunnel_up_ended_first);
  const bool less = line.bytes_up < up && !answered_early(request);
  if (more || less) {
    world.fail("request {}: {} of {} bytes up logged", request.id, line.bytes_up, up);
  }
  const bool excused = request.forgone || broke_off || answered_early(request) || world.stopped() ||
                       world.plan().faults.deadlines;
  if (!request.complete && !excused) {
    world.fail("request {}: the proxy says complete, the client has {} of {} bytes",
               request.id,
               request.body_received,
               last.body_bytes);
  }
}

// Without a fault nothing may fail.
void judge_calm(const World& world, const Request& request, const Line* line) {
  // A drain closes who is idle; what reached an upstream before is answered.
  const bool never_seen = world.draining() && request.attempts.empty();
  if (!request.complete && !request.forgone && !never_seen) {
    world.fail("request {} had no answer", request.id);
  }
  if (line == nullptr || never_seen) return;
  if (line->outcome != (request.preflight ? "local" : "complete")) {
    world.fail("request {} failed without a fault: {}", request.id, line->text);
  }
}

// Nobody waits in vain for somebody who does not dawdle for ever.
void judge_timeout(const World& world, const Request& request, const Line& line) {
  const Faults& faults = world.plan().faults;
  const bool expected =
      faults.deadlines || faults.client_stalls || faults.upstream_stalls || faults.dial_fails;
  if (line.outcome == "timeout" && !expected) {
    world.fail("request {} timed out, but nobody stalled: {}", request.id, line.text);
  }
}

void judge_request(const World& world, const Request& request, const Line* line) {
  // Of a head that was refused no path is known.
  const bool refused = request.attempts.empty() && (request.status == 400 || request.status == 408);
  const bool served = request.head_received || !request.attempts.empty();
  if (served && line == nullptr && !refused) {
    world.fail("request {} was served but never ended", request.id);
  }
  if (!world.plan().faults.any()) judge_calm(world, request, line);
  if (line == nullptr) return;
  judge_timeout(world, request, *line);
  if (line->attempts < request.attempts.size()) {
    world.fail(
        "request {}: {} attempts, logged {}", request.id, request.attempts.size(), line->attempts);
  }
  if (request.head_received && line->status != request.status) {
    world.fail("request {}: status {}, logged {}", request.id, request.status, line->status);
  }
  if (line->outcome == "complete") {
    judge_complete(world, request, *line);
  } else if (request.complete && request.attempt != 0 && !request.forgone &&
             request.status != 101) {
    world.fail("request {}: the client has it all, the proxy says {}", request.id, line->outcome);
  }
}

}  // namespace

void judge(const World& world, std::string_view access_log) {
  const std::vector<Line> lines = parse(access_log);
  const observe::Metrics& metrics = world.metrics();
  for (size_t i = 0; i < observe::outcomes; ++i) {
    const std::string_view name = observe::outcome_name(static_cast<Outcome>(i));
    uint64_t logged = 0;
    for (const Line& line : lines)
      logged += line.outcome == name ? 1 : 0;
    if (logged != metrics.exchanges[i].value()) {
      world.fail("{} requests logged {}, {} counted", logged, name, metrics.exchanges[i].value());
    }
  }
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  for (const Line& line : lines) {
    bytes_up += line.bytes_up;
    bytes_down += line.bytes_down;
  }
  if (bytes_up != metrics.bytes_up.value() || bytes_down != metrics.bytes_down.value()) {
    world.fail("bytes logged and counted differ");
  }
  const std::vector<const Line*> found = by_request(world, lines);
  for (const Request& request : world.requests())
    judge_request(world, request, found[request.id]);
}

}  // namespace sim
